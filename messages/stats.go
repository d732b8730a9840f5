package messages

import (
	"strconv"
	"time"
)

// StatsWindow is the window of [Stats.Throughput] and [Stats.Utilization]: the
// last ten seconds, or the pool's life while that is shorter.
const StatsWindow = 10 * time.Second

// Load says how much a pool has to do. It is for those who must know often.
type Load struct {
	Size   int // workers that take tasks
	Busy   int // workers that have a task in hand
	Free   int // workers that could begin one at once
	Queued int // tasks that wait; it may include some of a batch that have just started
	// Capacity is how many may wait beyond those that a free worker is about to take.
	Capacity int
	Paused   bool
}

// Stats is a snapshot of a pool. The ledger holds in every snapshot. All other
// counts are exact when the pool is at rest; [Distribution] says how exact the
// times are. A Stats belongs to its receiver: nothing in it changes later.
type Stats struct {
	Pool string    // the pool's name
	At   time.Time // when the snapshot was taken

	// Size is the number of workers that take tasks; Busy of them have one in
	// hand and Idle = Size - Busy have none. A worker that is leaving after a
	// resize counts in neither, though its task is still in Running.
	Size, Busy, Idle int
	Paused           bool

	// The ledger: Submitted is the sum of the others. A task that was settled
	// while its handler still runs (a timeout, a cancellation) is not in Running.
	Submitted, Queued, Running                                            int64
	Succeeded, Failed, Panicked, TimedOut, Canceled, Dropped, Quarantined int64

	Rejected int64 // never accepted
	// Rejections counts Rejected by reason. Reasons with no rejections are absent.
	Rejections map[Reason]int64
	Retries    int64 // failed attempts that were followed by a retry, or wait for one
	Delayed    int64 // queued tasks that wait for their next attempt
	Restarts   int64 // workers restarted by the strategy
	Replaced   int64 // workers that stopped and were replaced
	Copies     int64 // further copies of tasks that ran: see router.ScatterGather, router.TailChopping and actors.WithHedge
	Recycled   int64 // workers recycled for their number of tasks, their age, or idleness: not in Restarts or Replaced

	// Lost is the number of workers that are gone for good, since their restarts or
	// the pool's were spent, or they could not start: the pool is degraded by as
	// many. A Resize by request sets how many there should be, and Lost to 0.
	Lost int
	// Abandoned is the number of handlers that the watchdog has abandoned and that have
	// not returned.
	Abandoned int
	// InQuarantine is the number of tasks that the quarantine has now.
	InQuarantine int

	// QueueCapacity is the number of tasks that may be queued, beyond one for each
	// free worker. Under early binding (every dispatch but least-busy) each worker has
	// an equal share of it. The default capacity grows with the number of workers.
	QueueCapacity int
	OldestQueued  time.Duration // how long the oldest task that could be begun has waited; 0 if none

	// LongestRunning is how long the oldest attempt that still runs has taken; 0 if
	// none does. It may be that of a task that has its outcome already.
	LongestRunning time.Duration

	// The times of the attempts that workers made: a task that is tried three times
	// counts three times.
	WaitTime Distribution // admission, or the time of the next attempt, to start
	RunTime  Distribution // start to outcome, or to the decision to retry

	Throughput  float64 // attempts that workers ended per second, over StatsWindow
	Utilization float64 // share of the workers' time spent on tasks, 0 to 1, over StatsWindow

	Custom  map[string]int64 // what workers reported themselves, summed
	Workers []WorkerStats    // in dispatch order; those that are leaving come last
}

// Settled is the number of accepted tasks that have an outcome.
func (s *Stats) Settled() int64 {
	return s.Succeeded + s.Failed + s.Panicked + s.TimedOut + s.Canceled + s.Dropped + s.Quarantined
}

// Balanced reports whether the ledger holds, which it always does.
func (s *Stats) Balanced() bool {
	return s.Submitted == s.Queued+s.Running+s.Settled()
}

// Distribution summarizes durations since the pool's start. The zero value means no
// durations.
//
// Tasks shorter than a microsecond are timed in groups of up to 32. Each task counts
// with the mean running time of its group and with the waiting time of the group's
// first task. For running times, a pool promises:
//
//   - Any task of one millisecond or more shows in Max, at most 50 µs off.
//   - Mean is within 5 % of the truth for any mix of tasks.
//   - The quantiles are within 5 % for mixes in which long tasks recur. A duration above
//     26 hours counts as 26 hours.
//   - The last group may be counted a moment after its tasks are settled.
type Distribution struct {
	Count                    int64
	Mean, P50, P95, P99, Max time.Duration
}

// WorkerState says what a worker is doing.
type WorkerState int

// The states of a worker.
const (
	WorkerIdle      WorkerState = iota + 1 // waits for a task
	WorkerBusy                             // has a task in hand
	WorkerSuspended                        // failed; its supervisor decides
	WorkerStopping                         // finishes what it has in hand and takes no more
	WorkerSidelined                        // sidelined by its breaker, or until a delayed restart
)

func (s WorkerState) String() string {
	switch s {
	case WorkerIdle:
		return "idle"
	case WorkerBusy:
		return "busy"
	case WorkerSuspended:
		return "suspended"
	case WorkerStopping:
		return "stopping"
	case WorkerSidelined:
		return "sidelined"
	default:
		return "WorkerState(" + strconv.Itoa(int(s)) + ")"
	}
}

// WorkerStats is one worker's part of a [Stats].
type WorkerStats struct {
	ID    string // the ID of the worker's PID
	State WorkerState
	Task  string    // the ID of the task in hand, empty if none; the oldest held one if none else is
	Held  int       // tasks that it holds, by actors.Hold
	Since time.Time // when it began that task; zero if none
	// Settled says that the task in hand has its outcome already, since it timed out or
	// was canceled: its handler has not returned.
	Settled bool

	// The outcomes of the tasks that this worker had in hand.
	Succeeded, Failed, Panicked, TimedOut, Canceled, Dropped, Quarantined int64

	Restarts int64
	Queued   int           // tasks waiting for this worker alone
	MeanRun  time.Duration // mean time that an attempt took
	Custom   map[string]int64
}

// DrainReport says what became of the tasks that a pool had when it was told
// to stop.
type DrainReport struct {
	Finished int64 // ended by themselves after the stop was asked for
	Canceled int64 // were running and were canceled
	Dropped  int64 // were queued, for their first attempt or a further one, or dropped by their handlers
	// Abandoned has the IDs of the canceled tasks whose handlers had not
	// returned when the report was made.
	Abandoned []string
}
