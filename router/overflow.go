package router

import "strconv"

// Overflow says what happens to a task for which the queue has no room.
type Overflow int

// The overflow policies. Where a sender cannot wait or lend its goroutine, as no
// actor can, Block and CallerRuns act as Reject.
const (
	// Block waits for room, as long as the submitter's context allows.
	Block Overflow = iota + 1
	// Reject refuses the task with ErrQueueFull.
	Reject
	// DropOldest drops the oldest queued task of the lowest priority. If there is
	// none, or the new one's priority is lower still, it drops the new one.
	DropOldest
	// DropNewest accepts the new task and drops it at once.
	DropNewest
	// CallerRuns runs the task while its submitter waits, outside the workers: also
	// while the pool is paused, and without what WithWorkerProps adds.
	CallerRuns
)

// Valid reports whether o is one of the policies.
func (o Overflow) Valid() bool { return o >= Block && o <= CallerRuns }

func (o Overflow) String() string {
	switch o {
	case Block:
		return "block"
	case Reject:
		return "reject"
	case DropOldest:
		return "drop-oldest"
	case DropNewest:
		return "drop-newest"
	case CallerRuns:
		return "caller-runs"
	default:
		return "Overflow(" + strconv.Itoa(int(o)) + ")"
	}
}
