package jetstream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/messages"
)

// A Feeder feeds a pool from a queue; see [Attach]. All its methods may be called by
// any number of goroutines.
//
// The way of a task: a request for as many as there is room for brings it (pull.go), it
// is submitted to the pool (delivery.go), and what the pool says it came to decides
// whether it is acknowledged, given back for another attempt, or made a dead letter
// (settle.go). Meanwhile its lease is extended (keeper.go).
type Feeder struct {
	queue  *queue
	pool   target
	cfg    feederConfig
	levels []*level // the highest first
	tally  tally
	since  time.Time
	key    string // of the node's entry

	wake    chan struct{} // there may be room, or something to look at; holds one
	stopped chan struct{} // closed when the feeder is to stop
	pulled  chan struct{} // closed when no more is asked for
	quiet   chan struct{} // closed when it is stopped and holds nothing
	done    chan struct{} // closed when Stop is through

	// calls is for what is asked of the store. It ends when a stop may wait no longer.
	calls context.Context
	hurry context.CancelFunc

	pace  pace
	loops sync.WaitGroup // its goroutines, but for those of tasks

	mu       sync.Mutex
	held     map[*delivery]struct{} // guarded by mu; taken, and neither settled nor given back
	enough   int                    // guarded by mu; while more are held there is no room
	resting  time.Time              // guarded by mu; when the server had no consumer to ask
	stopping bool                   // guarded by mu
	hurried  bool                   // guarded by mu; the stop waits for no handler
	isQuiet  bool                   // guarded by mu; nothing more comes, and quiet is closed once nothing is held
	final    sync.Once              // the end of a stop
	err      error                  // written in final
}

// tally is what a feeder has done.
type tally struct{ acked, retried, dead, givenBack, again atomic.Int64 }

// settled is how many tasks the server has been told of.
func (t *tally) settled() int64 {
	return t.acked.Load() + t.retried.Load() + t.dead.Load() + t.givenBack.Load()
}

func newFeeder(q *queue, pool target, cfg feederConfig) *Feeder {
	f := &Feeder{
		queue: q, pool: pool, cfg: cfg, since: time.Now(), key: nodeKey(q.name),
		wake: make(chan struct{}, 1), stopped: make(chan struct{}), pulled: make(chan struct{}), quiet: make(chan struct{}), done: make(chan struct{}),
		held: make(map[*delivery]struct{}),
	}
	f.calls, f.hurry = context.WithCancel(context.Background())
	for i := len(q.consumers) - 1; i >= 0; i-- {
		f.levels = append(f.levels, &level{feeder: f, priority: i})
	}
	return f
}

// start begins to take tasks.
func (f *Feeder) start() error {
	for _, l := range f.levels {
		if err := l.open(); err != nil {
			f.closeLevels()
			return explain(err)
		}
	}
	if !f.queue.store.enlist(f) {
		f.closeLevels()
		return ErrStopped
	}
	return nil
}

func (f *Feeder) run() {
	f.loops.Go(f.pull)
	f.loops.Go(f.keep)
	f.loops.Go(f.announce)
}

// Done is closed when the feeder has stopped.
func (f *Feeder) Done() <-chan struct{} { return f.done }

// Stats says what the feeder has done, and has in hand.
func (f *Feeder) Stats() messages.DurableNode {
	load := f.pool.Load()
	f.mu.Lock()
	held := len(f.held)
	f.mu.Unlock()
	t := &f.tally
	return messages.DurableNode{
		Node: f.queue.store.cfg.node, Pool: f.pool.Name(), Since: f.since, Seen: time.Now(),
		Workers: load.Size, Busy: load.Busy, Held: held,
		Acked: t.acked.Load(), Retried: t.retried.Load(), Dead: t.dead.Load(),
		GivenBack: t.givenBack.Load(), Again: t.again.Load(),
	}
}

// Stop takes no more tasks and gives back at once, to other nodes, those that no
// handler has begun. It waits for the others to be done; when ctx ends first, they are
// canceled and given back, too: the error is what ended ctx. It may be called more than
// once. The pool goes on.
func (f *Feeder) Stop(ctx context.Context) (messages.DurableNode, error) {
	f.halt()
	var ended error
	select {
	case <-f.quiet:
	case <-ctx.Done():
		f.cancelAll()
		ended = context.Cause(ctx)
	}
	f.final.Do(f.finish)
	<-f.done
	return f.Stats(), errors.Join(ended, f.err)
}

// cancelAll gives back what is held. It returns when nothing is.
func (f *Feeder) cancelAll() {
	f.mu.Lock()
	f.hurried = true // what the pool is being given is canceled once it has it
	f.mu.Unlock()
	for _, d := range f.inPool() {
		d.cancel(given)
	}
	hurry := time.AfterFunc(endPatience, f.hurry)
	defer hurry.Stop()
	limit := time.NewTimer(endPatience + endPatience/2)
	defer limit.Stop()
	select {
	case <-f.quiet:
	case <-limit.C:
		f.desert()
		<-f.quiet
	}
}

// desert has nothing held any more, since a codec, say, or the text of an error does not
// return. Others have those tasks when their leases end.
func (f *Feeder) desert() {
	f.mu.Lock()
	left := len(f.held)
	clear(f.held)
	if f.isQuiet && left > 0 {
		close(f.quiet)
	}
	f.mu.Unlock()
	f.queue.store.cfg.logger.Error("tasks are left to their leases: what they came to is not told", "queue", f.queue.name, "tasks", left)
}

// halt has no more tasks taken, and gives back what has not been begun.
func (f *Feeder) halt() {
	f.mu.Lock()
	first := !f.stopping
	f.stopping = true
	f.mu.Unlock()
	if !first {
		return
	}
	close(f.stopped)
	go func() {
		<-f.pulled
		f.closeLevels() // what comes until then is given back as it comes
		f.withdrawAll()
		f.mu.Lock()
		f.isQuiet = true
		if len(f.held) == 0 {
			close(f.quiet)
		}
		f.mu.Unlock()
	}()
	f.withdrawAll()
}

// finish is the last step of a stop.
func (f *Feeder) finish() {
	defer close(f.done)
	f.hurry()
	f.loops.Wait()
	f.queue.store.delist(f)
	conn := f.queue.store.conn
	if !conn.IsConnected() && f.tally.settled() == 0 {
		return // there is nothing that the servers ought to know
	}
	ctx, cancel := context.WithTimeout(context.Background(), endPatience)
	defer cancel()
	f.leave(ctx)
	if err := conn.FlushWithContext(ctx); err != nil {
		f.err = fmt.Errorf("the last tasks may be done again: %w", explain(err))
	}
}

// endPatience is for the servers' part in a stop: they may be away.
const endPatience = 2 * time.Second

// abandon stops a feeder whose pool has stopped.
func (f *Feeder) abandon() {
	f.halt()
	go func() { _, _ = f.Stop(context.Background()) }()
}

// add has a task held, unless a stop is so far that it waits for none. It reports
// whether the feeder takes it.
func (f *Feeder) add(d *delivery) (held, takes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.isQuiet {
		return false, false
	}
	f.held[d] = struct{}{}
	return true, !f.stopping
}

// begun says that the pool has the task. It reports whether that is to be withdrawn, or
// even canceled.
func (f *Feeder) begun(d *delivery, running running) (withdraw, cancel bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d.running = running
	return f.stopping, f.hurried
}

// stops reports whether the feeder is to stop.
func (f *Feeder) stops() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stopping
}

// remove says that a task has been settled or given back.
func (f *Feeder) remove(d *delivery) {
	f.pace.settled.Add(1)
	f.mu.Lock()
	_, held := f.held[d] // it is not if it was deserted
	delete(f.held, d)
	if f.isQuiet && held && len(f.held) == 0 {
		close(f.quiet)
	}
	room := len(f.held) <= f.enough
	f.mu.Unlock()
	if room {
		f.poke()
	}
}

// poke has the puller look for room.
func (f *Feeder) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// withdrawAll gives back what no handler has begun.
func (f *Feeder) withdrawAll() {
	for _, d := range f.inPool() {
		d.withdraw()
	}
}

// inPool are the tasks that the pool has.
func (f *Feeder) inPool() []*delivery {
	return f.those(func(d *delivery) bool { return d.running != nil })
}

// all are the tasks that are held.
func (f *Feeder) all() []*delivery { return f.those(func(*delivery) bool { return true }) }

func (f *Feeder) those(wanted func(*delivery) bool) []*delivery {
	f.mu.Lock()
	defer f.mu.Unlock()
	those := make([]*delivery, 0, len(f.held))
	for d := range f.held {
		if wanted(d) {
			those = append(those, d)
		}
	}
	return those
}
