package messages

import "time"

// DurableStats says what is in a durable queue, that of package jetstream. Its
// figures are those of one moment for each store they come from, not of one for all:
// a task on its way from one state to the next may be counted in both or in neither.
type DurableStats struct {
	Queue string
	At    time.Time

	Ready    int64 // tasks that a node may take at once
	Delayed  int64 // tasks whose time has not come
	InHand   int64 // tasks that a node has, or that wait for their next attempt
	Retrying int64 // those of all that have failed or were given back, and have no outcome
	Dead     int64 // dead letters

	// Oldest is how long ago the oldest task without an outcome was submitted, 0 if
	// there is none.
	Oldest time.Duration
	Bytes  int64 // that the tasks take in the store

	Levels  []DurableLevel  // by priority, the highest first
	Nodes   []DurableNode   // by name: those that have been heard of lately
	Servers []DurableServer // the leader first; one if there is no cluster
}

// DurableLevel is a part of a durable queue: the tasks of one priority.
type DurableLevel struct {
	Priority int
	Ready    int64
	InHand   int64
}

// DurableNode is a pool, in some process, that is fed from a durable queue. Its
// figures are its own and begin with it.
type DurableNode struct {
	Node  string // the process
	Pool  string
	Since time.Time
	Seen  time.Time // when it was last heard of

	Workers int // of the pool
	Busy    int // those that have a task, from this queue or from elsewhere
	Held    int // tasks that it has taken and not settled or given back

	Acked     int64 // tasks whose handler succeeded
	Retried   int64 // attempts that failed, with another to come
	Dead      int64 // tasks that it made dead letters of
	GivenBack int64 // tasks that it gave back: not begun, or canceled by a stop; that is no attempt
	Again     int64 // tasks that it was given though they may have been done before
}

// DurableServer is a server that stores a durable queue.
type DurableServer struct {
	Name    string
	Leader  bool
	Current bool          // it has all that the leader has
	Lag     int64         // operations that it is behind
	Active  time.Duration // since it was last heard of; 0 for the leader
}

// DeadLetter is a task of a durable queue that has been given up.
type DeadLetter struct {
	Number   uint64 // names it in the queue
	ID, Key  string
	Priority int
	Headers  map[string]string
	Payload  []byte // as it was submitted

	Reason   DeadReason
	Outcome  Outcome // of the last attempt; Failed if there was none
	Err      string
	Stack    string // of the last panic, if it was one
	Attempts int    // that were begun and failed
	Node     string // that gave it up

	Submitted time.Time
	Died      time.Time
}

// DeadReason says why a task became a dead letter.
type DeadReason string

// The reasons.
const (
	DeadAttempts DeadReason = "attempts" // its last attempt failed, or its error allows no other
	DeadPayload  DeadReason = "payload"  // what was submitted cannot be read as what the pool takes
	DeadLost     DeadReason = "lost"     // too often whoever had it was not heard of again
)
