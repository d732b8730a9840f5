package messages

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// An Event is a pointer to one of the types below or, at the health interval, a *[Stats]. Pools
// publish events on the actor system's EventStream. The set is closed. Subscribe with
// actors.Subscribe, which delivers the events of one pool in order and never delays the pool.
type Event interface {
	// poolName returns the name of the pool, which is also a field.
	poolName() string
}

// PoolOf returns the name of the pool that has published an event. event must not be nil.
func PoolOf(event Event) string { return event.poolName() }

// The events of a pool, besides *[Stats].
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
	// Degraded: a worker is gone for good; Worker is nil if it never started. Size is what the pool goes on with, Lost
	// how many it has lost so since it was resized last.
	Degraded struct {
		Pool       string
		Worker     *actor.PID
		Size, Lost int
		Reason     string
	}
	// BreakerOpened: a worker that failed Failures times in a row is sidelined until the
	// given time, when it is probed with one task.
	BreakerOpened struct {
		Pool     string
		Worker   *actor.PID
		Failures int
		Until    time.Time
	}
	// BreakerClosed: the task that the worker was probed with succeeded, so it is
	// readmitted.
	BreakerClosed struct {
		Pool   string
		Worker *actor.PID
	}
	// WorkerAbandoned: the handler of a task that had its outcome ignored the end of
	// its context for the watchdog's grace, so it was abandoned.
	WorkerAbandoned struct {
		Pool    string
		Worker  *actor.PID // nil: the handler ran in the submitter's goroutine
		TaskID  string
		Overdue time.Duration // since the task's outcome
		Stack   []byte        // of the handler's goroutine, as runtime/debug.Stack prints it
	}
	// AbandonedReturned: the handler of such a worker has returned after all.
	AbandonedReturned struct {
		Pool   string
		Worker *actor.PID // nil: as above
		TaskID string
	}
	// TaskQuarantined: a task was given up for good.
	TaskQuarantined struct {
		Pool string
		QuarantinedTask
	}
	// Autoscaled: the pool's autoscaler decided on another size. If DryRun is true,
	// it was left at that; else a PoolResized follows, or Err says why not.
	Autoscaled struct {
		Pool        string
		Rule        string // the rule that decided
		From, To    int
		Reason      string // the rule's own words, with the figures that it saw
		Queued      int64
		Busy        int
		Throughput  float64 // tasks per second since the look before
		Utilization float64 // 0 to 1, over StatsWindow
		DryRun      bool
		Err         error
	}
	// Overloaded: at a health check the queue exceeded five times the pool's size.
	Overloaded struct {
		Pool   string
		Queued int64
		Size   int
	}
	// Recovered: at a later health check it was down to half of that.
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

func (e *WorkerStarted) poolName() string     { return e.Pool }
func (e *WorkerRestarted) poolName() string   { return e.Pool }
func (e *WorkerStopped) poolName() string     { return e.Pool }
func (e *WorkerReplaced) poolName() string    { return e.Pool }
func (e *PoolResized) poolName() string       { return e.Pool }
func (e *Degraded) poolName() string          { return e.Pool }
func (e *BreakerOpened) poolName() string     { return e.Pool }
func (e *BreakerClosed) poolName() string     { return e.Pool }
func (e *WorkerAbandoned) poolName() string   { return e.Pool }
func (e *AbandonedReturned) poolName() string { return e.Pool }
func (e *TaskQuarantined) poolName() string   { return e.Pool }
func (e *Autoscaled) poolName() string        { return e.Pool }
func (e *Overloaded) poolName() string        { return e.Pool }
func (e *Recovered) poolName() string         { return e.Pool }
func (e *PoolStopped) poolName() string       { return e.Pool }
func (s *Stats) poolName() string             { return s.Pool }
