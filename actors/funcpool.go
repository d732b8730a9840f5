package actors

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
)

// FuncPool is a worker pool whose tasks are functions. Use it instead of a [Pool] when the
// tasks have no common input type. Any number of goroutines may call its methods, also its own
// functions, and after the pool has stopped.
type FuncPool struct {
	*running
	pool *Pool[task, struct{}]
}

// A task is what a FuncPool runs.
type task = func(context.Context) error

var errNilFunc = invalid.Option("nil function")

// NewFuncPool spawns a pool of functions as [NewPool] spawns a pool. A nil parent means an
// actor system of its own, as with [New].
//
// The error wraps messages.ErrInvalidOption if an option makes no sense, and also
// actor.ErrNameExists if the name is taken.
func NewFuncPool(parent actor.SpawnerContext, opts ...Option) (*FuncPool, error) {
	pool, err := NewPool(parent, runTask, opts...)
	if err != nil {
		return nil, err
	}
	return &FuncPool{running: pool.running, pool: pool}, nil
}

// runTask is the handler of a FuncPool. A nil function comes from an actor.
func runTask(ctx context.Context, f task) (struct{}, error) {
	if f == nil {
		return struct{}{}, errNilFunc
	}
	return struct{}{}, f(ctx)
}

// Go submits a function whose error is not needed, as [Pool.Tell] submits a task. It blocks
// while the queue is full. The error says why the function was rejected. The context of the
// function has the values of ctx; the end of ctx does not cancel it.
func (p *FuncPool) Go(ctx context.Context, f func(context.Context) error, opts ...TaskOption) error {
	if err := p.check(f); err != nil {
		return err
	}
	return p.pool.Tell(ctx, f, opts...)
}

// Do runs a function on a worker and returns its error, as [Pool.Ask] does: the error of f
// itself, a *messages.PanicError if f panicked, or the reason why f did not run or finish. The end
// of ctx cancels f.
func (p *FuncPool) Do(ctx context.Context, f func(context.Context) error, opts ...TaskOption) error {
	if err := p.check(f); err != nil {
		return err
	}
	_, err := p.pool.Ask(ctx, f, opts...)
	return err
}

// check rejects a nil function.
func (p *FuncPool) check(f task) error {
	if f == nil {
		p.engine.Rejected(errNilFunc)
		return errNilFunc
	}
	return nil
}

// Group returns a group without functions; see [Pool.Group]. The functions get the values of
// ctx, and the end of ctx cancels them.
func (p *FuncPool) Group(ctx context.Context, opts ...GroupOption) *FuncGroup {
	group := p.pool.Group(ctx, opts...)
	group.collector.discards = true
	return &FuncGroup{pool: p, group: group}
}

// FuncGroup is a number of functions that are waited for together. Use [FuncPool.Group] to
// make one. Any number of goroutines may call its methods. A group may be used again after
// [FuncGroup.Wait], but keeps its first error.
type FuncGroup struct {
	pool  *FuncPool
	group *Group[task, struct{}]
}

// Go submits a function as part of the group. If it is rejected, Wait returns the reason,
// unless there was an error before. Go blocks as [Group.Submit] does.
func (g *FuncGroup) Go(f func(context.Context) error, opts ...TaskOption) {
	if err := g.pool.check(f); err != nil {
		g.group.collector.rejected(Answer[task, struct{}]{Err: err, Outcome: messages.Rejected})
		return
	}
	_ = g.group.Submit(f, opts...) // Wait returns the error
}

// Wait returns when all functions of the group have been settled, with the first error in
// time, as [Group.Wait] does.
func (g *FuncGroup) Wait() error { return g.group.Wait() }
