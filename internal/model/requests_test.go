package model_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

// bursts reports whether the step submits its tasks, of which the first is n, as a group.
// Others are told: they are in batches.
func (r *runner) bursts(o *op, n int) bool { return o.kind == doBurst && r.typed != nil && n%2 == 1 }

// broadcast sends a broadcast, whose first task is n.
func (r *runner) broadcast(t *testing.T, n int, o op) {
	stats := r.stats()
	r.note(func() {
		for _, w := range stats.Workers[:min(o.n, len(stats.Workers))] {
			r.casts[n] = append(r.casts[n], w.ID)
		}
	})
	task := r.task(n, &o)
	r.root.RequestWithCustomSender(r.pool.PID(), &messages.Broadcast{Message: task}, r.sender(t, n))
}

// drain has a pool of user actors shut down or finished, without a limit in time.
func (r *runner) drain(t *testing.T, step int, kind opKind) {
	asker := pooltest.Spawn(t, r.root, actor.PropsFromFunc(func(ctx actor.Context) {
		if report, ok := ctx.Message().(*messages.DrainReport); ok {
			r.note(func() { r.account.stops[step] = newReport(r.now(), *report, nil) })
		}
	}))
	var message any = &messages.Drain{}
	if kind == doFinish {
		message = messages.Finish{}
	}
	r.root.RequestWithCustomSender(r.pool.PID(), message, asker)
}

// request sends a task to a pool of user actors.
func (r *runner) request(t *testing.T, n int, o *op) {
	var message any = r.task(n, o)
	if o.plain {
		message = order(n)
	}
	r.root.RequestWithCustomSender(r.pool.PID(), message, r.sender(t, n))
}

// sender is an actor that sends one message, with task n, and notes the answers: those
// to a plain message do not say to which.
func (r *runner) sender(t *testing.T, n int) *actor.PID {
	return pooltest.Spawn(t, r.root, actor.PropsFromFunc(func(ctx actor.Context) {
		switch answer := ctx.Message().(type) {
		case *messages.Result:
			r.heardResult(n, answer)
		case reply:
			r.heardReply(n, answer)
		}
	}))
}

func (r *runner) heardResult(n int, result *messages.Result) {
	if id := strconv.Itoa(n); result.TaskID != id && result.Outcome != messages.Rejected && !r.tasks[n].plain {
		r.fault("result of task %s: %+v", id, result)
	}
	if value := any(2 * n); result.Err == nil && (r.script.actors || result.Value != value) {
		r.fault("wrong result: %+v", result)
	}
	copied := r.copyOf(n, result.Worker)
	r.note(func() {
		if result.Worker == "" {
			copied = r.unbegunLocked(n)
		}
	})
	r.hear(copied, r.script.answer(result))
}

// unbegunLocked is the first of the tasks of a broadcast that nobody has begun and nobody
// has heard of. Where more than one is dropped they are so at once, so it may be any.
func (r *runner) unbegunLocked(n int) int {
	for i := n; i < n+len(r.casts[n]); i++ {
		if seen := &r.account.tasks[i]; seen.told == 0 && len(seen.begun) == 0 {
			return i
		}
	}
	return n
}

// heardReply notes the response of a user actor. One that comes after the pool has told
// the sender of a timeout or of a stop tells nothing.
func (r *runner) heardReply(n int, answer reply) {
	copied := r.copyOf(n, answer.worker)
	if answer.task != n {
		r.fault("task %d was answered %+v", n, answer)
	}
	late := false
	r.note(func() {
		seen := &r.account.tasks[copied]
		late = seen.told > 0 && seen.what != answered
	})
	if !late {
		r.hear(copied, answered)
	}
}

func (r *runner) hear(n int, what string) {
	twice := false
	r.note(func() {
		seen := &r.account.tasks[n]
		twice = seen.told > 0
		if !twice {
			seen.told, seen.what = r.now(), what
		}
	})
	if twice {
		r.fault("task %d was answered twice: %s", n, what)
	}
}

// copyOf is the task of a broadcast that is for the given worker; of any other task it is
// the task itself.
func (r *runner) copyOf(n int, worker string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.casts[n], worker); i > 0 {
		return n + i
	}
	return n
}
