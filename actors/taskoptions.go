package actors

import (
	"time"

	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/internal/invalid"
)

// TaskOption sets an attribute of one task. It is a plain value, so that options
// cost nothing to pass.
type TaskOption struct {
	kind  taskOption
	n     int64
	key   string
	value string
}

type taskOption int

const (
	taskPriority taskOption = iota + 1
	taskTimeout
	taskKey
	taskHeader
	taskID
	taskNoWait
	taskCancelWithContext
	taskAhead
	taskIdempotent
)

// Priority orders the queue: higher first, first-in-first-out within one. The
// default is 0.
func Priority(priority int) TaskOption { return TaskOption{kind: taskPriority, n: int64(priority)} }

// Timeout bounds the task's whole life: the wait for admission, the queue and the
// run. It takes the place of the pool's task timeout; 0 means no bound. A
// negative one is an error.
func Timeout(timeout time.Duration) TaskOption {
	return TaskOption{kind: taskTimeout, n: int64(timeout)}
}

// Key keeps tasks together: under router.ConsistentHash(), those of one key go to
// one worker, in order.
func Key(key string) TaskOption { return TaskOption{kind: taskKey, value: key} }

// Header adds a header, which travels with the task to its handler.
func Header(key, value string) TaskOption {
	return TaskOption{kind: taskHeader, key: key, value: value}
}

// ID names the task in statistics, reports and logs. It need not be unique. The
// default is a number.
func ID(id string) TaskOption { return TaskOption{kind: taskID, value: id} }

// NoWait lets the submission fail with messages.ErrQueueFull rather than block.
func NoWait() TaskOption { return TaskOption{kind: taskNoWait} }

// CancelWithContext cancels the task when the ctx given to Submit or Tell ends. Ask, Map, Each
// and groups always do that; there, the option is a no-op. Use it for tasks that are of no use
// to anyone when ctx has ended, such as those of a request.
//
// When ctx ends, a queued task is taken out of the queue at once, and the context of a
// running handler ends. The outcome is Canceled, with messages.ErrCanceled and what ended
// ctx. The handler's context has the deadline of ctx, if that is earlier than the task's. By
// default the end of ctx matters only until the task has been accepted.
//
// The pool needs no goroutine for that, unless ctx is of a type with its own Done.
func CancelWithContext() TaskOption { return TaskOption{kind: taskCancelWithContext} }

// Idempotent says that the task may run more than once, even at the same time: see [WithHedge].
func Idempotent() TaskOption { return TaskOption{kind: taskIdempotent} }

// Ahead limits how many inputs a [Pool.Map] or [Pool.Each] may pull before the loop has
// consumed their answers. The default follows the size of the pool. A number below 1 is an
// error; so is Ahead for a single task.
func Ahead(tasks int) TaskOption { return TaskOption{kind: taskAhead, n: int64(tasks)} }

// applyTo says in s what the options name, and sets ahead if [Ahead] is one of them. With a
// nil ahead, that is an error.
func applyTo(s *engine.Spec, options []TaskOption, ahead *int) error {
	for i := range options {
		switch o := &options[i]; o.kind {
		case taskPriority:
			s.Priority = int(o.n)
		case taskTimeout:
			if o.n < 0 {
				return invalid.Option("task timeout %v < 0", time.Duration(o.n))
			}
			s.Timeout = time.Duration(o.n)
		case taskKey:
			s.Key = o.value
		case taskHeader:
			if s.Headers == nil {
				s.Headers = make(map[string]string)
			}
			s.Headers[o.key] = o.value
		case taskID:
			s.ID = o.value
		case taskNoWait:
			s.Mode = engine.NoWait
		case taskCancelWithContext:
			s.Bound = true
		case taskIdempotent:
			s.Idempotent = true
		case taskAhead:
			if ahead == nil {
				return invalid.Option("Ahead(%d) for a single task", o.n)
			}
			if o.n < 1 {
				return invalid.Option("Ahead(%d) < 1", o.n)
			}
			*ahead = int(o.n)
		default:
			return invalid.Option("task option %d is empty", i)
		}
	}
	return nil
}
