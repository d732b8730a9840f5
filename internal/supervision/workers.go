package supervisor

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/messages"
)

// Crew is the pool's data plane as its supervisor needs it. A worker joins it
// by being spawned from the props that it gives.
type Crew interface {
	// NewWorker returns the props of a further worker, Adopt those of one that
	// stands for a foreign actor; nil if there can be none.
	NewWorker() *actor.Props
	Adopt(foreign *actor.PID) *actor.Props
	// Revive says that there are workers again after Fail.
	Revive()
	// Size is the number of workers that take tasks, Routees are their PIDs.
	Size() int
	Routees() []*actor.PID
	// Retire lets all but the first stay workers take no more tasks, RetireWorker
	// the given one. The PIDs returned are those to stop.
	Retire(stay int) []*actor.PID
	RetireWorker(pid *actor.PID) *actor.PID
	// Remove forgets a worker that has stopped and reports whether it ever
	// settled a task, and whether it was given up since its handler is stuck.
	Remove(pid *actor.PID) (worked, abandoned bool)
	// EndVainWaits looks for workers that wait for one another, now that a worker
	// is gone and replaced, if it is.
	EndVainWaits()
	// Replaced counts a replacement.
	Replaced()
	// Barren is how many times in a row a worker has failed to start.
	Barren(pid *actor.PID) int
	// Sideline leaves a worker out of the choice until it has been restarted.
	Sideline(pid *actor.PID)
	// Lost says how many workers are gone for good.
	Lost(n int)
	// Fail says that no worker is left and none will come.
	Fail(err error)
	// AddCounters adds to what a worker reports of its own.
	AddCounters(pid *actor.PID, counters map[string]int64)
	// PeakBusy is the most workers that have been busy at once since the last call.
	PeakBusy() int
	// Stats takes a snapshot.
	Stats() *messages.Stats
}
