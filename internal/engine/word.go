package engine

import "github.com/troupe-go/troupe/messages"

// A word is the state of a task in one machine word, so that one compare-and-swap starts a
// task and one settles it:
//
//	status(5) | hop(3) | owned(1) | bound(1) | answered(1) | retried(1) |
//	worker(20) | sequence(32)
//
// The sequence number distinguishes the words of two tasks that use the same cell: a
// goroutine that has a word of the earlier task fails in its swap. Numbers repeat after 4
// billion tasks.
type word uint64

// A status says where a task is in its life.
type status uint64

const (
	fresh   status = iota // not accepted: just made, waiting for admission, or rejected
	waiting               // accepted, but must not start yet: see delays
	queued                // in a queue or in a batch
	running               // a handler has it
	held                  // in hand, though Receive has returned: see Holding

	// Settled by the goroutine that ran the task, which counts the outcome; or while it was
	// held, by any goroutine, which counts the outcome.
	doneSucceeded
	doneFailed
	donePanicked
	doneTimedOut
	doneCanceled
	doneDropped // at the handler's wish
	doneQuarantined

	// Settled by another goroutine, which counts the outcome, while the task was queued or
	// waited for its next attempt.
	endedTimedOut
	endedCanceled
	endedDropped

	// Likewise, while a handler ran.
	cutTimedOut
	cutCanceled
	cutSucceeded // by a copy: see race
)

const (
	statusMask = 1<<5 - 1

	hopShift = 5
	hopOne   = 1 << hopShift
	hopMask  = 7 << hopShift

	// flagOwned marks a task that the engine made, and may reuse unless it was moved.
	flagOwned = 1 << 8
	// flagBound marks a task that ends with its caller's context.
	flagBound = 1 << 9
	// flagAnswered marks a task whose body must be told the outcome: its sender gets a Result,
	// or its Spec says Told.
	flagAnswered = 1 << 10

	// flagRetried marks a task that has had an attempt.
	flagRetried = 1 << 11

	workerShift = 12
	workerBits  = 20
	workerMask  = (1<<workerBits - 1) << workerShift

	sequenceShift = workerShift + workerBits
)

// nobody is the worker index of a task that belongs to no worker: it is in the shared
// queue, waits for a retry, or runs in its caller. Real indexes are smaller, see
// supervisor.MaxSize.
const nobody = 1<<workerBits - 1

func (w word) status() status { return status(w & statusMask) }

func (w word) hop() word { return w & hopMask }

func (w word) worker() int { return int(w&workerMask) >> workerShift }

func (w word) sequence() uint64 { return uint64(w >> sequenceShift) }

func (w word) settled() bool { return w.status() > held }

// dead reports whether the task was settled while it was queued. Its entry may still be in
// a queue or in a batch.
func (w word) dead() bool { return w.status() >= endedTimedOut && w.status() <= endedDropped }

// with returns the word with another status.
func (w word) with(s status) word { return w&^statusMask | word(s) }

// of returns the word with another worker.
func (w word) of(worker int) word { return w&^workerMask | word(worker)<<workerShift }

// moved returns the word of a task that another goroutine takes out of a worker's batch.
// The cell of such a task is not reused, since that worker may still look at it.
func (w word) moved() word { return w + hopOne }

// outcome returns the outcome of a settled task.
func (s status) outcome() messages.Outcome {
	switch s {
	case doneSucceeded, cutSucceeded:
		return messages.Succeeded
	case doneFailed:
		return messages.Failed
	case donePanicked:
		return messages.Panicked
	case doneTimedOut, endedTimedOut, cutTimedOut:
		return messages.TimedOut
	case doneCanceled, endedCanceled, cutCanceled:
		return messages.Canceled
	case doneDropped, endedDropped:
		return messages.Dropped
	case doneQuarantined:
		return messages.Quarantined
	default:
		return 0
	}
}

// doneAs returns the status of a task that the goroutine which ran it settles with o.
func doneAs(o messages.Outcome) status {
	switch o {
	case messages.Succeeded:
		return doneSucceeded
	case messages.Failed:
		return doneFailed
	case messages.Panicked:
		return donePanicked
	case messages.TimedOut:
		return doneTimedOut
	case messages.Canceled:
		return doneCanceled
	case messages.Dropped:
		return doneDropped
	default:
		return doneQuarantined
	}
}

// cutAs returns the status of a running task that another goroutine settles with o.
func cutAs(o messages.Outcome) status {
	switch o {
	case messages.Succeeded:
		return cutSucceeded
	case messages.TimedOut:
		return cutTimedOut
	default:
		return cutCanceled
	}
}

// endedAs returns the status of a queued or waiting task that another goroutine settles
// with o.
func endedAs(o messages.Outcome) status {
	switch o {
	case messages.TimedOut:
		return endedTimedOut
	case messages.Canceled:
		return endedCanceled
	default:
		return endedDropped
	}
}

// A tally counts outcomes, with the outcome as the index.
type tally [messages.Outcomes + 1]int64

func (t *tally) add(other *tally) {
	for i := range other {
		t[i] += other[i]
	}
}
