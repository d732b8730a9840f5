package engine

import (
	"context"
	"errors"
	"runtime"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// Submit admits a task. If it returns nil, the task was accepted and will be settled
// exactly once. If it returns an error, the task was rejected and counted as rejected, and
// Settled is not called. Submit blocks only under MayWait: with Block until there is room
// or until ctx or the task's timeout ends, with CallerRuns until the task has run or ctx
// ends.
func (e *admission) Submit(ctx context.Context, t *Task, s *Spec) error {
	return e.counted(ctx, e.submit(ctx, t, s, nil))
}

// Tell submits a task that nobody waits for, in a cell that the engine reuses. fill puts
// the work into the body. Tell calls fill under a lock, so fill must do no more than that.
func (e *admission) Tell(ctx context.Context, s *Spec, fill func(Body)) error {
	return e.counted(ctx, e.submit(ctx, nil, s, fill))
}

func (e *admission) submit(ctx context.Context, t *Task, s *Spec, fill func(Body)) error {
	if ended(ctx) {
		return endOf(ctx)
	}
	if within := e.cfg.Dispatch.Within(); within > 0 && (s.Timeout == 0 || s.Timeout > within) {
		s.Timeout = within
	}
	if e.tracer != nil {
		return e.submitTraced(ctx, t, s, fill)
	}
	return e.admit(ctx, t, s, fill)
}

// maxYields is how often a submitter that finds the queue full yields before it waits. When
// tasks are brief, room often comes sooner than the submitter could be put to sleep and
// woken.
const maxYields = 20

// admit dispatches a task and puts it into a queue. If there is no room, it applies the
// overflow policy.
func (e *admission) admit(ctx context.Context, t *Task, s *Spec, fill func(Body)) error {
	if e.dispatch.addresses() {
		if err := e.dispatch.address(s, e.roster.view.Load()); err != nil {
			return err
		}
	}
	if e.cfg.DeadlineCheck {
		if err := e.unreachable(ctx, s); err != nil {
			return err
		}
	}
	yields := maxYields
	if e.cfg.Overflow == router.Block && s.Mode == MayWait {
		yields = 0
	}
	for first := true; ; first, yields = false, yields+1 {
		s.to.all = yields >= maxYields
		s.to.recount = s.to.all || first // whose turn it is must not be passed over in error
		err := e.place(t, s, fill)
		switch {
		case err == nil:
			if s.to.trial != nil {
				e.sideIfOnTrial(s.to.trial)
			}
			return nil
		case !errors.Is(err, errNoRoom):
			return err
		case s.to.all:
			if t == nil {
				t = e.newTask(fill)
			}
			return e.overflow(ctx, t, s)
		case !e.brief.Load() || e.waits.some.Load():
			yields = maxYields
		default:
			runtime.Gosched()
		}
	}
}

// newTask makes a task outside of any queue.
func (e *admission) newTask(fill func(Body)) *Task {
	t := e.cfg.NewTasks(1)[0]
	fill(t.body)
	return t
}

// submitTraced tells the tracer about a task before its admission, and about the result.
func (e *admission) submitTraced(ctx context.Context, t *Task, s *Spec, fill func(Body)) (err error) {
	admitted := e.traceSubmission(ctx, s)
	err = messages.ErrGoexit // unless admit returns: a custom dispatch may end the goroutine
	defer func() { admitted(err) }()
	return e.admit(ctx, t, s, fill)
}

func (e *admission) traceSubmission(ctx context.Context, s *Spec) (admitted func(error)) {
	admitted = func(error) {}
	failed := guard.Call(func() {
		headers, tell := e.tracer.Submitted(ctx, router.Traced{
			Pool: e.name, ID: s.ID, Key: s.Key, Priority: s.Priority, Headers: s.Headers,
		})
		s.Headers = headers
		if tell != nil {
			// Apart, since the end of this goroutine would keep the submitter from knowing of a
			// task that has been accepted.
			admitted = func(err error) { e.tracerFailed(guard.Apart(func() { tell(err) })) }
		}
	})
	e.tracerFailed(failed)
	return admitted
}
