package messages

import (
	"context"
	"errors"
	"fmt"
)

// Why a task was rejected: it was never accepted and is counted in
// [Stats.Rejected] only.
var (
	// ErrQueueFull: the queue had no room and the task could not or would not wait.
	ErrQueueFull = errors.New("troupe: queue full")
	// ErrPoolStopped: the pool is stopping or has stopped. It is also the reason
	// for a task that was running or queued when the pool closed.
	ErrPoolStopped = errors.New("troupe: pool stopped")
	// ErrNoWorkers: the last worker is gone and none replaces it. It is also the
	// reason for the tasks that were queued at that moment.
	ErrNoWorkers = errors.New("troupe: no workers")
	// ErrPayloadType: the payload is not what the pool's handler takes.
	ErrPayloadType = errors.New("troupe: wrong payload type")
	// ErrDeadlock: a handler waits for its own pool, and the wait cannot end before
	// the handler returns, since the other workers wait as well.
	ErrDeadlock = errors.New("troupe: a handler waits for its own pool in vain")
	// ErrDeadlineUnreachable: by what is queued and how long tasks have taken, the
	// task would not be done in time. Only a pool that was asked to look says so.
	ErrDeadlineUnreachable = errors.New("troupe: deadline cannot be met")
)

// How an accepted task ended, when not by its handler.
var (
	// ErrTaskTimeout: the task's timeout ran out. errors.Is also reports true
	// for context.DeadlineExceeded.
	ErrTaskTimeout error = timeoutError{}
	// ErrCanceled: the submitter canceled the task, or the pool closed while it ran.
	ErrCanceled = errors.New("troupe: task canceled")
	// ErrDropped: the overflow policy or a stop removed the task from the queue.
	ErrDropped = errors.New("troupe: task dropped")
	// ErrQuarantined: the task has crashed workers too often to be retried, or has failed
	// its last attempt under Quarantine.Exhausted. The error of the last attempt is in the
	// chain.
	ErrQuarantined = errors.New("troupe: task quarantined")
)

// ErrRouteeTerminated fails an attempt whose foreign routee terminated before it answered, or
// whose message became a Proto.Actor dead letter on its way. The text names the routee's PID.
var ErrRouteeTerminated = errors.New("troupe: routee terminated")

// ErrNotQuarantined says that a number is not, or no longer, that of a quarantined
// task.
var ErrNotQuarantined = errors.New("troupe: not in quarantine")

// ErrInvalidOption is wrapped by every error about a bad argument: the text
// names the value.
var ErrInvalidOption = errors.New("troupe: invalid option")

// ErrGoexit is the Value of the [PanicError] of a handler that ended its
// goroutine by runtime.Goexit (testing's FailNow does).
var ErrGoexit = errors.New("troupe: the handler called runtime.Goexit")

type timeoutError struct{}

func (timeoutError) Error() string { return "troupe: task timed out" }
func (timeoutError) Timeout() bool { return true }
func (timeoutError) Is(target error) bool {
	return target == context.DeadlineExceeded
}

// PanicError is the error of a task whose handler panicked. If the panic's
// value is an error, errors.Is and errors.As see it.
type PanicError struct {
	Value any    // what was given to panic; [ErrGoexit] for a runtime.Goexit
	Stack []byte // the handler's goroutine from the panic on, as runtime/debug.Stack prints it
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("troupe: handler panicked: %v", e.Value)
}

// Unwrap returns the panic's value if it is an error, else nil.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
