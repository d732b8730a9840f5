package messages

import "time"

// Task is a unit of work as an actor sends it to a pool. Only Payload is
// required; the zero value of every other field is its default.
//
// A pool never writes to a task it was sent. The sender must not either, once
// it has sent it.
type Task struct {
	// ID names the task in results, statistics and logs. Empty: the pool
	// numbers it.
	ID string
	// Payload is what the worker works on. It is passed by reference.
	Payload any
	// Key keeps tasks together: under consistent hashing, tasks of one key go
	// to one worker, in order.
	Key string
	// Priority orders the queue: higher first, first-in-first-out within one.
	Priority int
	// Timeout bounds the task's whole life, the time in the queue included.
	// 0 means the pool's own task timeout; negative is rejected.
	Timeout time.Duration
	// Headers travel with the task to its worker.
	Headers map[string]string
}

// Result is a pool's answer for one task.
type Result struct {
	// TaskID is the task's ID, or the number that the pool gave it. It is empty
	// when a task without an ID was rejected.
	TaskID string
	// Value is what the handler returned. It is nil unless Outcome is Succeeded.
	Value any
	// Err says why there is no value. It is nil if and only if Outcome is Succeeded.
	Err error
	// Outcome says how the task ended.
	Outcome Outcome
	// Worker is the ID of the worker that had the task in hand last; empty when none
	// had.
	Worker string
	// Attempts is how many times the task was begun.
	Attempts int
	// Run is the time that the task was in hand, summed over its attempts. Wait is
	// the rest of the time from its admission to its outcome.
	Wait, Run time.Duration
	// Pool is the name of the pool.
	Pool string
	// Headers are those of the task. They must not be changed.
	Headers map[string]string
}
