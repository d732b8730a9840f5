package actors

import (
	"cmp"
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/internal/lanes"
	"github.com/troupe-go/troupe/internal/request"
	"github.com/troupe-go/troupe/internal/supervision"
	"github.com/troupe-go/troupe/messages"
)

var errNilContext = invalid.Option("nil context")

// closeGrace is how long Close waits for handlers whose contexts it has ended.
const closeGrace = 250 * time.Millisecond

// Pool is a worker pool with a handler. All its methods may be called by any
// number of goroutines, also by its own handlers and after it has stopped.
//
// An error of Tell or Submit means that the task was rejected: it is not in the
// ledger. The errors of Ask are also those with which a task can end.
type Pool[In, Out any] struct {
	*running
	work *handlerWork[In, Out]
}

// New starts a pool for a program without actors. The pool has an actor system of its
// own, which stops with the pool. It logs through [slog.Default] unless [WithLogger] is
// given. Stop the pool with Shutdown, Finish or Close.
//
// To share an actor system with other pools, a dashboard or telemetry, use [NewPool].
//
// The error wraps messages.ErrInvalidOption if an option makes no sense.
func New[In, Out any](handler Handler[In, Out], opts ...Option) (*Pool[In, Out], error) {
	return NewPool(nil, handler, opts...)
}

// NewPool spawns a pool as a child of parent, which is the actor system's Root or
// an actor's context, and returns when its workers have been spawned. It stops
// with its parent, or by Shutdown, Finish or Close. With a nil parent it is [New].
//
// The error wraps messages.ErrInvalidOption if an option makes no sense, and also
// actor.ErrNameExists if the name is taken.
func NewPool[In, Out any](parent actor.SpawnerContext, handler Handler[In, Out], opts ...Option) (*Pool[In, Out], error) {
	return newPool[In, Out](parent, newHandlerWork(handler), opts)
}

func newPool[In, Out any](parent actor.SpawnerContext, design design, opts []Option) (*Pool[In, Out], error) {
	tmpl, err := newTemplate(design, true, opts)
	if err != nil {
		return nil, err
	}
	name := tmpl.name
	switch {
	case parent == nil:
		system := tmpl.ownSystem()
		parent, name = system.Root, cmp.Or(name, "pool-"+system.ID) // others share the logger and the tracer
	case name == "":
		name = "pool" + parent.ActorSystem().ProcessRegistry.NextId()
	}
	var pool *Pool[In, Out]
	tmpl.spawned = func(run *running, w work) { pool = &Pool[In, Out]{running: run, work: w.(*handlerWork[In, Out])} }
	if _, err := parent.SpawnNamed(tmpl.props(), name); err != nil {
		return nil, err
	}
	return pool, nil
}

// Ask submits a task and returns its answer. If ctx ends before the task is accepted, the
// error wraps the cause of ctx, and messages.ErrQueueFull if Ask was waiting for room. If ctx
// ends later, the task is canceled, and the error wraps messages.ErrCanceled and the cause.
func (p *Pool[In, Out]) Ask(ctx context.Context, in In, opts ...TaskOption) (out Out, err error) {
	var s engine.Spec
	if err := p.describe(&s, opts, nil); err != nil {
		return out, err
	}
	c := p.work.ask()
	if err := p.submit(ctx, c, in, &s); err != nil {
		return out, err
	}
	if ctx == context.Background() {
		<-c.done
	} else {
		p.await(ctx, c)
	}
	out, err = c.result()
	c.Unlinked()
	return out, err
}

// describe says in s what a task with the given options is like, and sets ahead if [Ahead] is
// one of them; with a nil ahead, Ahead is an error. An error is counted as a rejection.
func (p *Pool[In, Out]) describe(s *engine.Spec, opts []TaskOption, ahead *int) error {
	s.Timeout = p.work.timeout
	if len(opts) == 0 {
		return nil
	}
	err := applyTo(s, opts, ahead)
	if err != nil {
		p.engine.Rejected(err)
	}
	return err
}

// submit submits a call, whose task ends with ctx.
func (p *Pool[In, Out]) submit(ctx context.Context, c *call[In, Out], in In, s *engine.Spec) error {
	c.caller, c.in = ctx, in
	s.Bound = true
	if err := p.engine.Submit(ctx, &c.task, s); err != nil {
		c.recycle()
		return err
	}
	return nil
}

// await returns when the call has been settled, which it sees to if ctx ends or
// the wait could never end.
func (p *Pool[In, Out]) await(ctx context.Context, c *call[In, Out]) {
	stuck, unblock, err := p.engine.Blocking(ctx, &c.task)
	if err == nil {
		defer unblock()
		select {
		case <-c.done:
			return
		case <-ctx.Done():
			err = guard.Cause(ctx)
		case <-stuck:
			err = messages.ErrDeadlock
		}
	}
	p.engine.Cancel(&c.task, engine.Because(messages.ErrCanceled, err))
	<-c.done
}

// Submit submits a task whose answer is wanted later. ctx bounds the wait for admission; with
// [CancelWithContext] its end also cancels the task.
func (p *Pool[In, Out]) Submit(ctx context.Context, in In, opts ...TaskOption) (*Future[Out], error) {
	var s engine.Spec
	err := p.describe(&s, opts, nil)
	if err != nil {
		return nil, err
	}
	promise := p.work.submit(&p.callbacks)
	promise.caller, promise.in = ctx, in
	s.Told, s.Exact = true, true
	if s.Bound {
		err = p.submitBound(ctx, &promise.task, &s)
	} else {
		err = p.engine.Submit(ctx, &promise.task, &s)
	}
	if err != nil {
		return nil, err
	}
	return &promise.future, nil
}

// Tell submits a task whose answer nobody wants. Its outcome is in the statistics. ctx bounds
// the wait for admission; with [CancelWithContext] its end also cancels the task.
func (p *Pool[In, Out]) Tell(ctx context.Context, in In, opts ...TaskOption) error {
	s := engine.Spec{Timeout: p.work.timeout}
	if len(opts) > 0 {
		if err := applyTo(&s, opts, nil); err != nil {
			p.engine.Rejected(err)
			return err
		}
		if s.Bound {
			return p.submitBound(ctx, newTellTask[In, Out](ctx, in), &s)
		}
	}
	return p.engine.Tell(ctx, &s, func(body engine.Body) {
		t := body.(*tellTask[In, Out])
		t.caller, t.in = ctx, in
	})
}

// PID is the pool's address for actors.
func (p *running) PID() *actor.PID { return p.pid }

// Stats takes a snapshot.
func (p *running) Stats() messages.Stats { return *p.engine.Stats() }

// Load says how much the pool has to do, at a small part of what Stats costs.
func (p *running) Load() messages.Load { return p.engine.Load() }

// Resize sets the number of workers, from 1 to supervisor.MaxSize, and returns when the new size is
// in force. Workers that leave finish what they have in hand, which Resize does
// not wait for. ctx bounds the wait for the pool's supervisor.
func (p *running) Resize(ctx context.Context, size int) error {
	if err := supervision.CheckSize(size); err != nil {
		return err
	}
	if ctx == nil {
		return errNilContext
	}
	if p.stopped() {
		return messages.ErrPoolStopped
	}
	answers := make(chan any, 1)
	p.engine.Ask(request.New(&messages.Resize{Size: size}, func(answer any) { answers <- answer }))
	select {
	case answer := <-answers:
		if refused, ok := answer.(*messages.Result); ok {
			return refused.Err
		}
		return nil
	case <-ctx.Done():
		return guard.Cause(ctx)
	}
}

// Quarantine lists the quarantined tasks, the oldest first; see [WithQuarantine].
func (p *running) Quarantine() []messages.QuarantinedTask { return p.engine.Quarantined() }

// Requeue submits quarantined tasks again, by their numbers, each as a new task that
// nobody waits for, and returns how many it has submitted. At the first that cannot
// be accepted it stops: that one and those after it stay in quarantine. The error
// wraps messages.ErrNotQuarantined if there is no such number, or the reason for the
// rejection. It never waits for room, and no other task is dropped to make it.
func (p *running) Requeue(numbers ...int64) (int, error) { return p.engine.Requeue(numbers) }

// DeleteQuarantined forgets quarantined tasks, by their numbers, and returns how many
// it has forgotten.
func (p *running) DeleteQuarantined(numbers ...int64) int { return p.engine.DeleteQuarantined(numbers) }

// Pause keeps queued tasks from being started. Running tasks finish, and new ones
// are still accepted. A pool that is stopping is not paused.
func (p *running) Pause() { _ = p.engine.Pause() }

// Resume ends a pause.
func (p *running) Resume() { p.engine.Resume() }

// Wait returns when nothing is queued or running and every handler has returned,
// or when ctx ends. The pool goes on. It returns messages.ErrDeadlock to one of the
// pool's own handlers, as long as that runs.
func (p *running) Wait(ctx context.Context) error {
	if ctx == nil {
		return errNilContext
	}
	return p.engine.Wait(ctx)
}

// Shutdown refuses new tasks, finishes the accepted ones, waits for their handlers
// to return and stops the pool. If
// ctx ends before that, the rest is done as by Close and the error is what ended
// ctx. A paused pool is resumed. Shutdown may be called any number of times. It
// returns messages.ErrDeadlock to one of the pool's own handlers, as long as that runs,
// since it would have to wait for it.
func (p *running) Shutdown(ctx context.Context) (messages.DrainReport, error) {
	return p.stopBy(ctx, p.engine.Drain)
}

// Finish stops the pool between [Pool.Shutdown] and [Pool.Close]: it refuses new tasks, drops
// the queued ones, lets the running ones finish, waits for their handlers to return and stops
// the pool. Use it when the pool should stop soon, but without canceling running tasks.
//
// A task whose attempt fails meanwhile is not retried: it has the outcome of that attempt. If
// ctx ends before the handlers have returned, the rest is done as by Close and the error is
// what ended ctx. A pool that is paused, or is shutting down already, is finished likewise.
// Finish may be called any number of times. It returns messages.ErrDeadlock to one of the
// pool's own handlers, as long as that runs, since it would have to wait for it.
func (p *running) Finish(ctx context.Context) (messages.DrainReport, error) {
	return p.stopBy(ctx, p.engine.Finish)
}

// stopBy stops the pool when it is quiet, which begin sees to, or when ctx ends.
func (p *running) stopBy(ctx context.Context, begin func(quiet func())) (messages.DrainReport, error) {
	if ctx == nil {
		return messages.DrainReport{}, errNilContext
	}
	if p.engine.OfHandler(ctx) {
		return messages.DrainReport{}, messages.ErrDeadlock
	}
	quiet := make(chan struct{})
	begin(func() { close(quiet) })
	var err error
	select {
	case <-quiet:
	default:
		select {
		case <-quiet:
		case <-ctx.Done():
			err = guard.Cause(ctx)
		}
	}
	return p.Close(), err
}

// Close stops the pool at once: queued tasks are dropped, running ones are
// canceled. It waits for their handlers to return, though no longer than a quarter
// of a second: the report says whose had not. It may be called any number of
// times.
func (p *running) Close() messages.DrainReport {
	p.engine.Close()
	if !p.stopped() {
		p.system.Root.Stop(p.pid)
	}
	grace := time.NewTimer(closeGrace)
	defer grace.Stop()
	select {
	case <-p.done:
	case <-grace.C:
	}
	return p.engine.DrainReport()
}

// Done is closed when the last worker has stopped and the pool's name is free.
func (p *running) Done() <-chan struct{} { return p.done }

func (p *running) stopped() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// running is a pool that has been spawned.
type running struct {
	system *actor.ActorSystem
	engine *engine.Engine
	pid    *actor.PID
	done   chan struct{}
	leave  func() // the directory of the system's pools

	callbacks   lanes.Lanes // calls functions given to OnSettled
	ahead       int         // tasks per worker that a Map or an Each keeps unsettled
	quarantines bool        // it has a quarantine
}
