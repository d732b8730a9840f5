package troupetest

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/messages"
)

// A Recorder has what was submitted to a pool and how each task was settled, whoever
// submitted it: a method of the pool, an actor's message, or a broadcast. A task is in the
// record before a worker begins it, and its outcome is there before anybody who waits for
// the task is told. The record grows with every task until the test ends, so that nothing in
// it is lost.
//
// A Recorder is safe for concurrent use.
type Recorder[In any] struct {
	t      testing.TB
	record *record
}

// Record records the tasks of a pool that has been spawned, from now on. It is for pools of
// user-written actors and for pools that the code under test has made. The
// constructors of this package record their pools themselves.
//
// When the test ends, Record stops the pool and makes the checks that [New] lists. Record
// ends the test with Fatal if the system has no pool with that PID.
func Record(t testing.TB, system *actor.ActorSystem, pid *actor.PID) *Recorder[any] {
	t.Helper()
	VerifyNoLeaks(t)
	f := follow(t, system, nil, pidOf(pid))
	if f.pool() == nil {
		f.unwatch()
		t.Fatalf("troupetest: no pool of the system has the PID %v.\n"+
			"Give Record the PID of a pool, not of one of its workers, and before the pool has stopped.\n%s", pid, poolsOf(system))
	}
	t.Cleanup(func() {
		t.Helper()
		f.finish(t)
	})
	return &Recorder[any]{t: t, record: f.record}
}

// RecordNamed records the tasks of the pool with the given name, which is spawned already or
// will be: by an actor that makes a pool of its own, for example. The name is that of
// actors.WithName or the ID of the pool's PID. If several pools get the name, one after the
// other, RecordNamed records the first.
//
// When the test ends, RecordNamed stops the pool and makes the checks that [New] lists. A pool
// that was never spawned fails the test.
func RecordNamed(t testing.TB, system *actor.ActorSystem, name string) *Recorder[any] {
	t.Helper()
	VerifyNoLeaks(t)
	f := follow(t, system, nil, named(name))
	t.Cleanup(func() {
		t.Helper()
		if f.pool() == nil {
			f.unwatch()
			t.Errorf("troupetest: the test has ended, and no pool named %q was spawned.\n%s", name, poolsOf(system))
			return
		}
		f.finish(t)
	})
	return &Recorder[any]{t: t, record: f.record}
}

// Submitted returns the inputs of the accepted tasks, in the order of acceptance. Rejected
// tasks are not among them: see messages.Stats.Rejected.
func (r *Recorder[In]) Submitted() []In {
	inputs := []In{}
	for _, task := range r.Records() {
		inputs = append(inputs, task.In)
	}
	return inputs
}

// Records returns the accepted tasks, settled or not, in the order of acceptance.
func (r *Recorder[In]) Records() []Task[In] {
	return copies[In](r.record, func(r *record) []*taskRecord { return r.accepted })
}

// Settled returns the settled tasks, in the order of settlement.
func (r *Recorder[In]) Settled() []Task[In] {
	return copies[In](r.record, func(r *record) []*taskRecord { return r.settled })
}

// Unsettled returns the tasks that are queued or running, in the order of acceptance.
func (r *Recorder[In]) Unsettled() []Task[In] {
	return slices.DeleteFunc(r.Records(), func(task Task[In]) bool { return task.Outcome != 0 })
}

// Outcomes returns how many tasks were settled with each outcome. Outcomes that no task has
// are left out.
func (r *Recorder[In]) Outcomes() map[messages.Outcome]int { return r.record.outcomes() }

// Task returns the task with the given ID, or the first one if the ID is not unique. Without
// such a task it ends the test with Fatal.
func (r *Recorder[In]) Task(id string) Task[In] {
	r.t.Helper()
	tasks := r.Records()
	i := slices.IndexFunc(tasks, func(task Task[In]) bool { return task.ID == id })
	if i < 0 {
		var ids []string
		for _, task := range tasks {
			ids = append(ids, task.ID)
		}
		r.t.Fatalf("troupetest: no task with the ID %q was accepted. Accepted: %s", id, listed(ids))
	}
	return tasks[i]
}

// WaitSettled waits until n tasks have been settled and returns all settled tasks, in the
// order of settlement. It is for tasks that the code under test submits in the background. If
// ctx ends first, WaitSettled ends the test with Fatal and says which tasks are not settled.
func (r *Recorder[In]) WaitSettled(ctx context.Context, n int) []Task[In] {
	r.t.Helper()
	return r.wait(ctx, strconv.Itoa(n), func(settled, _ int) bool { return settled >= n })
}

// WaitAll waits until every accepted task has been settled and returns all tasks, in the order
// of settlement. Unlike Wait of a typed pool, it does not wait for handlers whose tasks have
// timed out or were canceled. If ctx ends first, WaitAll ends the test as WaitSettled does.
func (r *Recorder[In]) WaitAll(ctx context.Context) []Task[In] {
	r.t.Helper()
	return r.wait(ctx, "all", func(settled, accepted int) bool { return settled == accepted })
}

// wait waits until enough says that enough tasks have been settled.
func (r *Recorder[In]) wait(ctx context.Context, many string, enough func(settled, accepted int) bool) []Task[In] {
	r.t.Helper()
	for {
		changed, settled, accepted := r.record.change()
		if enough(settled, accepted) {
			return r.Settled()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			r.t.Fatalf("troupetest: waited for %s of the tasks to be settled. When the wait ended (%v), %d of %d accepted tasks were. Not settled: %s",
				many, context.Cause(ctx), settled, accepted, listed(r.record.unsettled()))
		}
	}
}

// maxListed is how many tasks a message of failure lists.
const maxListed = 20

// listed puts IDs into words.
func listed(ids []string) string {
	switch {
	case len(ids) == 0:
		return "none"
	case len(ids) > maxListed:
		return strings.Join(ids[:maxListed], ", ") + ", …"
	default:
		return strings.Join(ids, ", ")
	}
}
