package supervision

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/messages"
)

// Workers is the pool's data plane as its supervisor uses it. The supervisor calls it from
// one goroutine, except for NewWorker, Discard, AddCounters, Sideline and FailedStarts.
//
// A worker is in dispatch from the moment it joins until it leaves: when
// Retire or RetireWorker takes it out, or when it begins to stop.
type Workers interface {
	// NewWorker returns the props of one more worker. The options in them are user code.
	NewWorker() *actor.Props
	// Join lets a spawned worker read its messages and take tasks. Until then it does
	// nothing. Discard forgets a spawned worker that will not join.
	Join(pid *actor.PID)
	Discard(pid *actor.PID)
	// Adopt returns the props of one worker that forwards its tasks to a foreign
	// actor; nil if the pool cannot use one.
	Adopt(foreign *actor.PID) *actor.Props
	// Revive ends the effect of Fail: workers join again.
	Revive()

	// BeginResize announces that many workers may join, and EndResize that the last
	// of them has. The data plane may put off work that depends on the number of
	// workers, such as rebalancing queues, and do it once in EndResize. Meanwhile
	// workers take tasks, leave and stop as usual, so no lock may be held between the
	// two calls. They always come in pairs, also after an error or a panic, and never
	// nest.
	BeginResize()
	EndResize()

	// Size returns the number of workers in dispatch.
	Size() int
	// Routees returns the PIDs of the workers in dispatch. For a worker that stands
	// for a foreign actor, it is the PID of that actor.
	Routees() []*actor.PID
	// Retire takes workers out of dispatch until only stay are left, all in one step,
	// and returns their PIDs. The caller stops them. They finish the tasks that they
	// have begun.
	Retire(stay int) []*actor.PID
	// RetireWorker takes the worker with the given PID, or the worker that stands for
	// it, out of dispatch and returns the worker's PID; nil if there is none. The
	// caller stops it.
	RetireWorker(pid *actor.PID) *actor.PID
	// IsBereft reports whether a worker stands for a foreign actor that has terminated. Such a
	// worker stops.
	IsBereft(pid *actor.PID) bool
	// Remove forgets a worker that has stopped. It reports whether the worker ever finished
	// or settled an attempt, whether the watchdog abandoned it, and whether it has stopped to
	// be recycled.
	Remove(pid *actor.PID) (worked, abandoned, recycled bool)
	// EndVainWaits looks for a deadlock among handlers that wait for their own pool,
	// and ends it. The supervisor calls it after a worker has stopped, when the
	// replacement has joined if there is one.
	EndVainWaits()

	// Wanted sets how many workers there should be. While fewer are in dispatch, the data
	// plane takes it that others are on their way.
	Wanted(n int)
	// Replaced counts a replacement in the statistics.
	Replaced()
	// Lost sets how many workers are lost, for the statistics.
	Lost(n int)
	// FailedStarts returns how often in a row a worker has failed to start.
	FailedStarts(pid *actor.PID) int
	// Sideline excludes a worker from dispatch until it has been restarted.
	Sideline(pid *actor.PID)
	// Fail drops the queued tasks and refuses new ones with err until Revive: no
	// worker is left, and none will join.
	Fail(err error)

	// AddCounters adds to the counters that a worker reports of its own.
	AddCounters(pid *actor.PID, counters map[string]int64)
	// PeakBusy returns the largest number of workers that were busy at the same time
	// since the last call.
	PeakBusy() int
	// Stats takes a snapshot.
	Stats() *messages.Stats
}
