package actors

import (
	"context"
	"sync/atomic"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/internal/lanes"
	"github.com/troupe-go/troupe/messages"
)

// A Future is the answer to come of a submitted task. All its methods may be
// called by any number of goroutines, any number of times.
type Future[Out any] struct {
	engine    *engine.Engine
	task      *engine.Task
	done      <-chan struct{}
	answer    *answer[Out]
	account   engine.Account        // written before done is closed
	callbacks *lanes.Lanes          // of the pool
	hooks     atomic.Pointer[hooks] // nil until OnSettled is called
}

// Done is closed when the task has been settled.
func (f *Future[Out]) Done() <-chan struct{} { return f.done }

// Wait returns the answer, as soon as there is one, or an error when ctx ends;
// the task goes on then. It returns messages.ErrDeadlock to a handler of the same pool
// if the task cannot be settled before that handler returns.
func (f *Future[Out]) Wait(ctx context.Context) (out Out, err error) {
	select {
	case <-f.done:
		return f.answer.result()
	default:
	}
	if ctx == nil {
		return out, errNilContext
	}
	stuck, unblock, err := f.engine.Blocking(ctx, f.task)
	if err != nil {
		return out, err
	}
	defer unblock()
	select {
	case <-f.done:
		return f.answer.result()
	case <-ctx.Done():
		return out, guard.Cause(ctx)
	case <-stuck:
		return out, messages.ErrDeadlock
	}
}

// Outcome is what the task has come to; ok is false while it has not been settled.
func (f *Future[Out]) Outcome() (outcome messages.Outcome, ok bool) {
	select {
	case <-f.done:
		return f.task.Outcome(), true
	default:
		return 0, false
	}
}

// Result returns how the task was settled, with the attempts, the last worker and the times,
// as a messages.Result tells the sender of a message. ok is false while the task has not been
// settled.
func (f *Future[Out]) Result() (result messages.Result, ok bool) {
	select {
	case <-f.done:
	default:
		return messages.Result{}, false
	}
	result = messages.Result{
		TaskID: f.task.ID(nil), Err: f.answer.err, Outcome: f.task.Outcome(),
		Worker: f.account.Worker, Attempts: f.account.Attempts, Wait: f.account.Wait, Run: f.account.Run,
		Pool: f.engine.Name(), Headers: f.task.Headers(),
	}
	if result.Err == nil {
		result.Value = f.answer.out
	}
	return result, true
}

// OnSettled calls hook once, after the task has been settled, whatever its outcome. If the task
// is settled already, hook is called at once, on another goroutine. Hooks of one Future are
// called in the order in which they were given. A nil hook is ignored.
//
// The calls of all futures of a pool share one goroutine, so a call must not block: it would
// delay the others. If it panics, or ends its goroutine, that is logged. A pool that has
// stopped still makes the calls.
func (f *Future[Out]) OnSettled(hook func()) {
	if hook == nil {
		return
	}
	h := f.hooks.Load()
	if h == nil {
		f.hooks.CompareAndSwap(nil, &hooks{lanes: f.callbacks})
		h = f.hooks.Load()
	}
	h.add(hook)
	select {
	case <-f.done: // whoever settled the task may not have seen h
		h.release()
	default:
	}
}

// Cancel cancels the task unless it is settled: it is taken out of the queue or, if it runs,
// its handler's context ends. Its outcome is Canceled at once.
func (f *Future[Out]) Cancel() { f.engine.Cancel(f.task, messages.ErrCanceled) }

// Withdraw cancels the task if no worker has begun it, and reports whether it did. A task
// that has begun goes on.
func (f *Future[Out]) Withdraw() bool { return f.engine.Withdraw(f.task, messages.ErrCanceled) }
