package messages

import "github.com/asynkron/protoactor-go/actor"

// The events of a pool, published on the actor system's EventStream as
// pointers. Subscribers run on a goroutine of the pool's own actors and never
// on a worker's: a slow one delays the pool's control messages, not its tasks.
// Besides these, a *[Stats] is published at the health interval.
type (
	// WorkerStarted: a worker joined the pool.
	WorkerStarted struct {
		Pool   string
		Worker *actor.PID
	}
	// WorkerRestarted: the strategy restarted a worker that had failed for Reason.
	// Reason is nil where the worker was restarted for the failure of another.
	WorkerRestarted struct {
		Pool   string
		Worker *actor.PID
		Reason any
	}
	// WorkerStopped: a worker is gone.
	WorkerStopped struct {
		Pool   string
		Worker *actor.PID
		Reason string
	}
	// WorkerReplaced: a worker that stopped has a successor.
	WorkerReplaced struct {
		Pool    string
		Worker  *actor.PID
		Replace *actor.PID // the one that stopped
	}
	// PoolResized: the number of workers was changed: by request, by a routee added
	// or removed, or since one whose restarts are spent was not replaced.
	PoolResized struct {
		Pool     string
		From, To int
		Reason   string
	}
	// Overloaded: at a health check the queue exceeded five times the pool's size.
	Overloaded struct {
		Pool   string
		Queued int64
		Size   int
	}
	// Recovered: at a later health check it no longer did.
	Recovered struct {
		Pool   string
		Queued int64
		Size   int
	}
	// PoolStopped: the last worker has stopped.
	PoolStopped struct {
		Pool   string
		Report DrainReport
	}
)
