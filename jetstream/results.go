package jetstream

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	js "github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/messages"
)

// A result is what a task came to, as it is stored.
type result struct {
	Outcome  messages.Outcome `json:"outcome"`
	Value    []byte           `json:"value,omitempty"`
	Err      string           `json:"err,omitempty"`
	Stack    string           `json:"stack,omitempty"`
	Attempts int              `json:"attempts"`
	Node     string           `json:"node"`
}

// A TaskError is what [Await] returns of a task that was made a dead letter, in whatever
// process. errors.Is knows messages.ErrTaskTimeout by it, and errors.As a
// *messages.PanicError whose value is a text.
type TaskError struct {
	ID       string
	Outcome  messages.Outcome // of the last attempt
	Text     string           // of its error
	Stack    string           // of its panic, if it was one
	Attempts int
	Node     string // that made the last one
}

func (f *TaskError) Error() string {
	return fmt.Sprintf("troupe: task %s given up after %d attempts: %s", f.ID, f.Attempts, f.Text)
}

// Unwrap returns the error that stands for the outcome, nil if the handler failed.
func (f *TaskError) Unwrap() error {
	switch f.Outcome {
	case messages.TimedOut:
		return messages.ErrTaskTimeout
	case messages.Panicked:
		return &messages.PanicError{Value: f.Text, Stack: []byte(f.Stack)}
	}
	return nil
}

// Await returns what the task with this ID came to, in whatever process it was done,
// as soon as that is known, as long as the queue keeps it: see [Results]. It waits
// until ctx ends also for a task that nobody has submitted, or whose result has been
// deleted. The error is a [TaskError] if the task was given up, and [ErrNoResults] if the
// queue keeps none.
func Await[Out, In any](ctx context.Context, queue *Queue[In], id string) (out Out, err error) {
	r, err := queue.await(ctx, id)
	if err != nil {
		return out, fmt.Errorf("await task %s of %s: %w", id, queue.name, err)
	}
	if r.Err != "" || r.Outcome != messages.Succeeded { // an error may have no text
		return out, &TaskError{ID: id, Outcome: r.Outcome, Text: r.Err, Stack: r.Stack, Attempts: r.Attempts, Node: r.Node}
	}
	if err := unmarshal(queue.codec, r.Value, &out); err != nil {
		return out, fmt.Errorf("result of task %s: %w", id, err)
	}
	return out, nil
}

func (q *queue) await(ctx context.Context, id string) (r result, err error) {
	if q.results == nil {
		return r, ErrNoResults
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch, err := q.watch(ctx, id)
	if err != nil {
		return r, err
	}
	defer func() { _ = watch.Stop() }()
	for {
		select {
		case entry, ok := <-watch.Updates():
			switch {
			case !ok:
				return r, fmt.Errorf("%w: the watch has ended", ErrUnavailable)
			case entry == nil || entry.Operation() != js.KeyValuePut: // not yet
			default:
				err := json.Unmarshal(entry.Value(), &r)
				return r, err
			}
		case <-ctx.Done():
			return r, context.Cause(ctx)
		}
	}
}

func (q *queue) watch(ctx context.Context, id string) (watch js.KeyWatcher, err error) {
	err = q.store.patiently(ctx, func(attempt context.Context) error {
		during, end := context.WithCancel(ctx) // of the watch, which outlives the attempt
		inTime := context.AfterFunc(attempt, end)
		watch, err = q.results.Watch(during, resultKey(id))
		if !inTime() && err == nil {
			_ = watch.Stop()
		}
		if attempt.Err() != nil {
			return attempt.Err()
		}
		return err
	})
	return watch, err
}

// resultKey is the key of a task's result: an ID may have what keys must not.
func resultKey(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }

// keepResult stores what the task came to, if the queue keeps that.
func (d *delivery) keepResult(outcome messages.Outcome, value []byte, failure error) error {
	q := d.feeder.queue
	if q.results == nil || d.task.id == "" {
		return nil
	}
	r := result{Outcome: outcome, Value: value, Attempts: d.record.Failures, Node: q.store.cfg.node}
	if outcome == messages.Succeeded {
		r.Attempts++
	}
	if failure != nil {
		r.Err, r.Stack = clip(guard.Text(failure), maxErr), d.record.Stack
	}
	err := d.put(&r)
	if errors.Is(err, ErrTooLarge) { // that is what its waiter is to hear
		r.Value, r.Err = nil, clip(guard.Text(err), maxErr)
		err = d.put(&r)
	}
	return err
}

func (d *delivery) put(r *result) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	q := d.feeder.queue
	return q.store.patiently(d.feeder.calls, func(ctx context.Context) error {
		_, err := q.results.Put(ctx, resultKey(d.task.id), data)
		return err
	})
}
