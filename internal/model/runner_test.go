package model_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// A runner carries a script out with a real pool.
type runner struct {
	script *script
	tasks  []op
	root   *actor.RootContext
	parent *actor.PID // of the pool
	pool   subject
	typed  *actors.Pool[int, int] // the pool; nil if its workers are user actors
	inbox  *pooltest.Inbox
	zero   time.Time

	mu      sync.Mutex
	account account               // guarded by mu
	futures []*actors.Future[int] // guarded by mu; nil: none
	active  int                   // guarded by mu; handlers
	waiting map[string]int        // guarded by mu; goroutines that wait for the pool, by what for
	hands   map[string]int        // guarded by mu; what each worker has in hand, if they are user actors
	states  states                // guarded by mu
	casts   map[int][]string      // guarded by mu; by the first task of a broadcast: the IDs of the workers
}

// carryOut runs the script in a bubble. A goroutine that is blocked for ever is a
// fault as any other.
func carryOut(t *testing.T, s *script) (seen *account) {
	t.Helper()
	tasks := s.tasks()
	r := &runner{
		script: s, tasks: tasks, futures: make([]*actors.Future[int], len(tasks)), waiting: map[string]int{},
		casts: map[int][]string{}, hands: map[string]int{},
		states: states{restarting: map[string]bool{}},
	}
	r.account = account{
		tasks: make([]sighting, len(tasks)), retired: map[int][]int{}, resized: map[int]string{},
		waits: map[int]instants{}, stops: map[int]report{},
	}
	defer func() {
		if value := recover(); value != nil { // goroutines of the bubble are blocked for ever
			seen = &r.account
			r.note(func() { seen.faults = append(seen.faults, fmt.Sprint(value)) })
		}
	}()
	pooltest.Bubble(t, func(t *testing.T) { r.run(t, pooltest.System().Root) })
	return &r.account
}

func (r *runner) run(t *testing.T, root *actor.RootContext) {
	r.zero, r.root = time.Now(), root
	r.inbox = pooltest.NewInbox(t, root)
	if err := r.spawn(t); err != nil {
		r.fault("no pool: %v", err)
		return
	}
	for _, w := range r.stats().Workers {
		r.account.workers = append(r.account.workers, w.ID)
	}
	over := make(chan struct{})
	defer close(over)
	go r.collect(over)
	time.Sleep(begin)
	n := 0
	for i, o := range r.script.complete() {
		time.Sleep(r.script.span(o.after, i, ofStep))
		r.snap()
		switch {
		case o.kind == doBroadcast:
			r.broadcast(t, n, o)
			n += o.n
		case r.bursts(&o, n):
			r.burst(n, o.n)
			n += o.n
		default:
			for range o.submissions() {
				r.submit(t, n, &r.tasks[n], o.kind == doBurst)
				n++
			}
		}
		if o.kind >= doShutdown {
			r.note(func() { r.states.stopping = true })
		}
		r.do(t, i, &o, n)
		r.snap()
	}
	time.Sleep(r.script.span(finale))
	r.snap()
	r.checkClosed()
	for _, what := range slices.Sorted(maps.Keys(r.waiting)) {
		r.fault("%s: still waited for", what)
	}
}

// spawn starts the pool as a child of an actor.
func (r *runner) spawn(t *testing.T) error {
	s := r.script
	options := []actors.Option{
		actors.WithSize(s.size), actors.WithQueue(s.capacity, s.overflow), actors.WithDispatch(s.dispatch.dispatch()),
		actors.WithTaskTimeout(s.span(s.timeout, 0, ofTimeout)), actors.WithSupervision(s.strategy()),
	}
	if s.retry.attempts > 0 {
		options = append(options, actors.WithRetry(s.retryPolicy()))
	}
	options = append(options, s.recycling()...)
	spawned, ended := make(chan error), make(chan struct{})
	r.parent = pooltest.Spawn(t, r.root, actor.PropsFromFunc(func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case *actor.Started:
			spawned <- r.newPool(ctx, ended, options)
		case *actor.Terminated:
			close(ended)
		}
	}))
	err := <-spawned
	if err == nil {
		r.apart("the end", func() { <-r.pool.Done() }, func() { r.account.done = r.now() })
	}
	return err
}

// newPool makes the pool, and ended is closed when it has stopped.
func (r *runner) newPool(parent actor.Context, ended <-chan struct{}, options []actors.Option) (err error) {
	if r.script.actors {
		r.pool, err = newActorPool(parent, r, ended, options)
		return err
	}
	if r.script.states.on {
		r.typed, err = actors.NewPoolOf(parent, r.produce, options...)
	} else {
		r.typed, err = actors.NewPool(parent, r.handle, options...)
	}
	r.pool = r.typed
	return err
}

func (s script) strategy() actor.SupervisorStrategy {
	decider := supervisor.Decider(func(err error) actor.Directive {
		if errors.Is(err, errKill) {
			return actor.StopDirective
		}
		return actor.RestartDirective
	})
	if s.allForOne {
		return supervisor.AllForOne(decider)
	}
	return supervisor.OneForOne(decider)
}

func (s script) retryPolicy() actors.Retry {
	return actors.Retry{
		Attempts: s.retry.attempts,
		Min:      s.span(s.retry.min, ofRetry),
		Max:      s.span(s.retry.max, ofRetry),
		On:       func(error) bool { return s.retry.errors },
		Panics:   s.retry.panics,

		Elsewhere: s.retry.elsewhere,
	}
}

func (r *runner) now() time.Duration { return time.Since(r.zero) }

// note writes something down.
func (r *runner) note(what func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	what()
}

func (r *runner) fault(format string, args ...any) {
	r.note(func() { r.faultLocked(format, args...) })
}

func (r *runner) faultLocked(format string, args ...any) {
	r.account.faults = append(r.account.faults, fmt.Sprintf("at %v: ", r.now())+fmt.Sprintf(format, args...))
}

// apart has something done that may take its time, and then something noted.
func (r *runner) apart(what string, do, note func()) {
	r.note(func() { r.waiting[what]++ })
	go func() {
		do()
		r.note(func() {
			note()
			if r.waiting[what]--; r.waiting[what] == 0 {
				delete(r.waiting, what)
			}
		})
	}()
}

// snap waits until nothing moves and takes a snapshot.
func (r *runner) snap() {
	synctest.Wait()
	stats := r.stats()
	active := 0
	r.note(func() {
		shot := newSnapshot(&stats)
		shot.restarts -= int64(r.states.failed) // these are not predicted
		r.account.snapshots = append(r.account.snapshots, shot)
		active = r.active
	})
	if r.script.states.on {
		r.checkRecycled(&stats)
	}
	if active > len(stats.Workers) && r.script.overflow != actors.CallerRuns {
		r.fault("%d handlers of %d workers", active, len(stats.Workers))
	}
	for _, w := range stats.Workers {
		if w.State == messages.WorkerSuspended || w.State == messages.WorkerIdle && w.Queued > 0 && !stats.Paused {
			r.fault("a worker does not get on: %+v", w)
		}
	}
}

func (r *runner) stats() messages.Stats {
	stats := r.pool.Stats()
	if !stats.Balanced() || stats.Idle != stats.Size-stats.Busy {
		r.fault("impossible snapshot: %+v", stats)
	}
	return stats
}

// handle is the pool's handler.
func (r *runner) handle(ctx context.Context, payload int) (int, error) {
	n, worker := r.identify(ctx, payload)
	o := &r.tasks[n]
	attempt := r.begun(n, worker)
	defer r.ended(n)
	run := r.script.span(o.run, n, ofRun, attempt)
	if o.stubborn {
		time.Sleep(run)
	} else {
		timer := time.NewTimer(run)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
	if err := r.failure(n, attempt); err != nil {
		return 0, err
	}
	switch o.ending(attempt) {
	case endPanic:
		panic(errPanic)
	case endKill:
		panic(errKill)
	case endGoexit:
		runtime.Goexit()
	}
	return 2 * payload, nil
}

// failure is the error with which an attempt ends; nil: it ends in another way.
func (r *runner) failure(n, attempt int) error {
	o := &r.tasks[n]
	how := o.ending(attempt)
	if outcome, _ := how.named(); outcome != 0 {
		return actors.WithOutcome(outcome, errModel)
	}
	switch how {
	case endError:
		return errModel
	case endNoRetry:
		return messages.NoRetry(errModel)
	case endRetryAfter:
		return fmt.Errorf("%w: %w", messages.RetryAfter(r.script.span(o.again, n, ofRetry)), errModel)
	default:
		return nil
	}
}

// identify says which task a handler has been given, and by which worker. The tasks of
// a broadcast have one payload and one ID: the worker reports a counter of its own, to be
// found in the statistics.
func (r *runner) identify(ctx context.Context, payload int) (n int, worker string) {
	mark := ""
	if r.tasks[payload].kind == doBroadcast {
		mark = fmt.Sprintf("task %d at %v by %p", payload, r.now(), ctx)
		_ = actors.Report(ctx, mark, 1)
	}
	for _, w := range r.stats().Workers {
		if mark == "" && w.Task == strconv.Itoa(payload) || mark != "" && w.Custom[mark] > 0 {
			worker = w.ID
		}
	}
	return r.copyOf(payload, worker), worker
}

// begun notes which worker has begun a task, and returns for which time.
func (r *runner) begun(n int, worker string) (attempt int) {
	r.note(func() {
		r.active++
		seen := &r.account.tasks[n]
		seen.begun = append(seen.begun, r.now())
		seen.worker = append(seen.worker, worker)
		attempt = len(seen.begun)
	})
	return attempt
}

func (r *runner) ended(n int) {
	r.note(func() {
		r.active--
		r.account.tasks[n].ended = append(r.account.tasks[n].ended, r.now())
	})
}
