package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"
)

// A Receipt is what is said of a submitted task.
type Receipt struct {
	ID string
	// Duplicate says that a task with this ID had been submitted within the queue's
	// window, so that this one was not stored.
	Duplicate bool
	// Err says why the task of a batch was not stored; nil: it was.
	Err error
}

// Submit stores a task, and returns when it is stored as the store's durability says.
//
// If it fails with [ErrUnavailable], or since ctx has ended, the task may have been
// stored all the same: submit it again with the same [ID]. Within the queue's window
// that makes one task of them.
//
// messages.ErrInvalidOption: an option makes no sense, or the codec cannot write the
// payload. [ErrTooLarge], messages.ErrQueueFull (the queue's bound), [ErrStoreFull]:
// the server will not have it.
func (q *Queue[In]) Submit(ctx context.Context, in In, opts ...SubmitOption) (Receipt, error) {
	msg, id, err := q.message(ctx, in, opts)
	if err != nil {
		return Receipt{}, err
	}
	ack, err := q.publish(ctx, msg, id)
	if err != nil {
		return Receipt{}, fmt.Errorf("submit to %s: %w", q.name, err)
	}
	return Receipt{ID: id, Duplicate: ack.Duplicate}, nil
}

// publish stores a message. It tries again while the servers are silent: by its ID the
// server knows what it has stored.
func (q *queue) publish(ctx context.Context, msg *nats.Msg, id string) (ack *js.PubAck, err error) {
	tries := 0
	err = q.store.patiently(ctx, func(ctx context.Context) error {
		tries++
		ack, err = q.store.js.PublishMsg(ctx, msg, js.WithMsgID(id), js.WithRetryAttempts(0))
		return err
	})
	if err == nil && tries > 1 {
		ack.Duplicate = false // it may be its own
	}
	return ack, err
}

// An Item is a task of a batch.
type Item[In any] struct {
	In      In
	Options []SubmitOption
}

// SubmitBatch stores tasks as Submit does, many at a time: it is several times as fast.
// It returns a receipt for each, in their order, once all have been stored or have
// failed. They are one task each: some may be stored and others not. The error is that
// of the first that was not, and its receipt's; nil if all were.
func (q *Queue[In]) SubmitBatch(ctx context.Context, items ...Item[In]) ([]Receipt, error) {
	receipts := make([]Receipt, len(items))
	sent := make([]sending, len(items))
	var first, silent error
	settle := func(i int) {
		r := &receipts[i]
		if r.Err == nil {
			r.Duplicate, r.Err = q.sent(ctx, &sent[i], r.ID, silent)
		}
		if r.Err != nil && first == nil {
			first = fmt.Errorf("submit item %d to %s: %w", i, q.name, r.Err)
		}
		if silent == nil && (errors.Is(r.Err, ErrUnavailable) || ctx.Err() != nil) {
			silent = r.Err // once is enough to wait in vain
		}
	}
	for i, item := range items {
		if i >= maxPending {
			settle(i - maxPending)
		}
		sent[i].msg, receipts[i].ID, receipts[i].Err = q.message(ctx, item.In, item.Options)
		switch {
		case receipts[i].Err != nil:
		case silent != nil:
			sent[i].err = silent
		default:
			sent[i].future, sent[i].err = q.store.js.PublishMsgAsync(sent[i].msg,
				js.WithMsgID(receipts[i].ID), js.WithRetryAttempts(0))
		}
	}
	for i := max(len(items)-maxPending, 0); i < len(items); i++ {
		settle(i)
	}
	return receipts, first
}

// A sending is a message on its way to the server.
type sending struct {
	msg    *nats.Msg
	future js.PubAckFuture
	err    error // it was not sent
}

// sent waits for the server's answer. A message of which the server has not said
// anything is sent again by itself, as Submit does. silent is the error of an earlier
// one, for which that has been done in vain: then only an answer that is there counts.
func (q *queue) sent(ctx context.Context, s *sending, id string, silent error) (duplicate bool, err error) {
	err = s.err
	if err == nil {
		select {
		case ack := <-s.future.Ok(): // as is usual once an earlier one has been answered
			return ack.Duplicate, nil
		default:
		}
		if silent != nil {
			return false, silent
		}
		answer, cancel := context.WithTimeout(ctx, attemptPatience)
		defer cancel()
		select {
		case ack := <-s.future.Ok():
			return ack.Duplicate, nil
		case err = <-s.future.Err():
		case <-answer.Done():
			err = answer.Err()
		}
	}
	if err = explain(err); silent != nil || !errors.Is(err, ErrUnavailable) {
		return false, err
	}
	_, err = q.publish(ctx, s.msg, id)
	return false, err
}

// SubmitOption sets an attribute of one task.
type SubmitOption interface{ apply(t *task) error }

type submitOption func(*task) error

func (o submitOption) apply(t *task) error { return o(t) }

// maxID bounds an ID, in bytes.
const maxID = 256

// ID names the task: another one with the same ID that is submitted within the
// queue's window is taken for the same. It is 1 to 256 printable ASCII characters
// without spaces. The default is one that nobody else has.
func ID(id string) SubmitOption {
	return submitOption(func(t *task) error {
		if id == "" || len(id) > maxID {
			return invalidOption("ID %.300q has %d bytes, not 1 to %d", id, len(id), maxID)
		}
		for i := range len(id) {
			if id[i] <= ' ' || id[i] > '~' {
				return invalidOption("ID %q: character %d", id, i)
			}
		}
		t.id = id
		return nil
	})
}

// Priority is which of the queue's levels the task has: a higher one is served first.
// The default is 0, the lowest.
func Priority(level int) SubmitOption {
	return submitOption(func(t *task) error {
		t.level = level
		return nil
	})
}

// Delay has the task begun no sooner than after so long, by the clock of the server.
// It may come up to a second later.
func Delay(delay time.Duration) SubmitOption {
	return submitOption(func(t *task) error {
		if delay < 0 {
			return invalidOption("delay %v < 0", delay)
		}
		t.at = time.Now().Add(delay)
		return nil
	})
}

// At has the task begun no sooner than at a time, as Delay does. A time that is past
// is no delay.
func At(at time.Time) SubmitOption {
	return submitOption(func(t *task) error {
		t.at = at
		return nil
	})
}

// Timeout bounds each attempt, from when a node has taken the task. It takes the place
// of the pool's task timeout.
func Timeout(timeout time.Duration) SubmitOption {
	return submitOption(func(t *task) error {
		if timeout <= 0 {
			return invalidOption("task timeout %v", timeout)
		}
		t.timeout = timeout
		return nil
	})
}

// Key is the key that the task has in the pool. It keeps tasks together within one
// pool, not across those of several processes.
func Key(key string) SubmitOption {
	return submitOption(func(t *task) error {
		t.key = key
		return nil
	})
}

// Header adds a header, which travels with the task to its handler.
func Header(key, value string) SubmitOption {
	return submitOption(func(t *task) error {
		if t.headers == nil {
			t.headers = make(map[string]string)
		}
		t.headers[key] = value
		return nil
	})
}
