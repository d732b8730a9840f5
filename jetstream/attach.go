package jetstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// Attach feeds a pool from a queue until one of them, or the feeder, is stopped. It
// takes no more tasks than the pool has room for, and goes on doing so while the
// servers are away. Any number of pools, in any number of processes, may be fed from
// one queue; each task is with one of them at a time.
//
// A task is done when its handler has returned without an error. It is done at least
// once: if its node dies in between, or is not heard of for the queue's lease, or the
// servers fail before they have stored that it is done, it is done again. So a handler
// must be such that a second time does no harm; [DeliveryFromContext] says whether
// there may have been a first.
func Attach[In, Out any](queue *Queue[In], pool *actors.Pool[In, Out], opts ...AttachOption) (*Feeder, error) {
	if queue == nil || pool == nil {
		return nil, invalidOption("queue or pool is nil")
	}
	cfg := defaultFeederConfig()
	for _, o := range opts {
		if o == nil {
			return nil, invalidOption("attach option is nil")
		}
		if err := o.apply(&cfg); err != nil {
			return nil, err
		}
	}
	f := newFeeder(queue.queue, &typed[In, Out]{pool, queue.codec}, cfg)
	if err := f.start(); err != nil {
		return nil, fmt.Errorf("attach %s: %w", queue.name, err)
	}
	return f, nil
}

// A target is a pool, whatever the types of its handler.
type target interface {
	// begin submits a task. errPayload is wrapped if the payload cannot be read.
	begin(ctx context.Context, payload []byte, opts []actors.TaskOption) (running, error)
	Load() messages.Load
	Done() <-chan struct{}
	Name() string
}

// A running is a task that a pool has accepted.
type running interface {
	Done() <-chan struct{}
	Cancel()
	Withdraw() bool
	// come is what the task came to, once it is done.
	come() (messages.Outcome, error)
	// result is what the handler of a task that succeeded returned, as the codec has it.
	result() ([]byte, error)
}

// errPayload: what was submitted is not what the pool takes.
var errPayload = errors.New("payload cannot be read")

type typed[In, Out any] struct {
	*actors.Pool[In, Out]
	codec Codec
}

func (t *typed[In, Out]) Name() string { return t.PID().Id }

func (t *typed[In, Out]) begin(ctx context.Context, payload []byte, opts []actors.TaskOption) (running, error) {
	var in In
	if err := unmarshal(t.codec, payload, &in); err != nil {
		return nil, fmt.Errorf("%w: %w", errPayload, err)
	}
	future, err := t.Submit(ctx, in, opts...)
	if err != nil {
		return nil, err
	}
	return &typedRunning[Out]{future, t.codec}, nil
}

type typedRunning[Out any] struct {
	*actors.Future[Out]
	codec Codec
}

func (r *typedRunning[Out]) come() (messages.Outcome, error) {
	outcome, _ := r.Outcome()
	_, err := r.Wait(context.Background())
	return outcome, err
}

func (r *typedRunning[Out]) result() ([]byte, error) {
	out, err := r.Wait(context.Background())
	if err != nil {
		return nil, err
	}
	return marshal(r.codec, out)
}
