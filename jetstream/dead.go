package jetstream

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/messages"
)

// The headers that a dead letter has besides those of its task.
const (
	headerDead     = "Troupe-Dead-" // all of them
	headerReason   = headerDead + "Reason"
	headerOutcome  = headerDead + "Outcome"
	headerErr      = headerDead + "Error" // base64, as is the stack
	headerStack    = headerDead + "Stack"
	headerAttempts = headerDead + "Attempts"
	headerNode     = headerDead + "Node"
	headerLevel    = headerDead + "Level"
)

// bury makes a dead letter of the task. If the node dies on the way, the next one does
// so by the record, unless there is the letter.
func (d *delivery) bury(reason messages.DeadReason) {
	f := d.feeder
	if d.record.Dead != "" {
		buried, err := d.buried()
		if err != nil {
			d.postpone(err)
			return
		}
		if buried {
			d.part(givenUp("dead letter: " + string(reason)))
			return
		}
	}
	d.record.Dead = reason
	if err := d.note(); err != nil {
		d.postpone(err)
		return
	}
	if err := d.keepResult(d.record.Outcome, nil, errors.New(d.record.Err)); err != nil {
		d.postpone(err)
		return
	}
	ack, err := f.queue.publish(f.calls, d.letter(reason), "dead-"+d.number())
	if err != nil {
		d.postpone(err)
		return
	}
	if !ack.Duplicate {
		f.tally.dead.Add(1)
	}
	d.part(givenUp("dead letter: " + string(reason)))
}

// buried reports whether there is the dead letter of the task.
func (d *delivery) buried() (there bool, err error) {
	q := d.feeder.queue
	err = q.store.patiently(d.feeder.calls, func(ctx context.Context) error {
		msg, err := q.dead.GetLastMsgForSubject(ctx, d.deadSubject())
		if errors.Is(err, js.ErrMsgNotFound) {
			return nil
		}
		there = err == nil && msg.Header.Get(headerID) == d.task.id
		return err
	})
	return there, err
}

func (d *delivery) deadSubject() string {
	return d.feeder.queue.subject("dead", d.number())
}

// letter is the task as a dead letter.
func (d *delivery) letter(reason messages.DeadReason) *nats.Msg {
	r := &d.record
	h := own(d.msg.Header)
	h.Set(headerID, d.task.id)
	h.Set(headerReason, string(reason))
	h.Set(headerOutcome, strconv.Itoa(int(r.Outcome)))
	h.Set(headerErr, base64.StdEncoding.EncodeToString([]byte(r.Err)))
	h.Set(headerStack, base64.StdEncoding.EncodeToString([]byte(r.Stack)))
	h.Set(headerAttempts, strconv.Itoa(r.Failures))
	h.Set(headerNode, base64.StdEncoding.EncodeToString([]byte(clip(d.feeder.queue.store.cfg.node, maxErr))))
	h.Set(headerLevel, strconv.Itoa(d.level))
	h.Set(headerSubmitted, d.task.submittedAt(d.meta.Timestamp).UTC().Format(time.RFC3339Nano))
	return &nats.Msg{Subject: d.deadSubject(), Header: h, Data: d.msg.Data}
}

// own are the headers of a task that are not the server's.
func own(h nats.Header) nats.Header {
	h = maps.Clone(h)
	if h == nil {
		h = make(nats.Header)
	}
	maps.DeleteFunc(h, func(name string, _ []string) bool { return strings.HasPrefix(name, "Nats-") })
	return h
}

// DeadLetters lists dead letters with numbers greater than after, in the order in which
// they died, at most limit. The first page is after 0, the next one after the last number.
func (q *queue) DeadLetters(ctx context.Context, after uint64, limit int) ([]messages.DeadLetter, error) {
	if limit < 1 {
		return nil, invalidOption("list of %d dead letters", limit)
	}
	var letters []messages.DeadLetter
	for len(letters) < limit {
		msg, err := q.nextDead(ctx, after+1)
		if errors.Is(err, js.ErrMsgNotFound) {
			break
		}
		if err != nil {
			return letters, fmt.Errorf("dead letters of %s: %w", q.name, err)
		}
		letters = append(letters, deadLetter(msg))
		after = msg.Sequence
	}
	return letters, nil
}

// nextDead is the first dead letter from a number on.
func (q *queue) nextDead(ctx context.Context, from uint64) (msg *js.RawStreamMsg, err error) {
	err = q.store.patiently(ctx, func(ctx context.Context) error {
		msg, err = q.dead.GetMsg(ctx, from, js.WithGetMsgSubject(q.subject("dead", "*")))
		return err
	})
	return msg, err
}

func deadLetter(msg *js.RawStreamMsg) messages.DeadLetter {
	t, _ := parse(msg.Header) // it may have died of that
	return messages.DeadLetter{
		Number: msg.Sequence, ID: t.id, Key: t.key, Priority: number(msg.Header, headerLevel), Headers: t.headers, Payload: msg.Data,
		Reason:  messages.DeadReason(msg.Header.Get(headerReason)),
		Outcome: messages.Outcome(number(msg.Header, headerOutcome)),
		Err:     decoded(msg.Header, headerErr), Stack: decoded(msg.Header, headerStack),
		Attempts: number(msg.Header, headerAttempts), Node: decoded(msg.Header, headerNode),
		Submitted: t.submitted, Died: msg.Time,
	}
}

// number is a header that the queue has written; 0 if others have.
func number(h nats.Header, name string) int {
	n, err := strconv.Atoi(h.Get(name))
	if err != nil {
		return 0
	}
	return n
}

func decoded(h nats.Header, name string) string {
	text, err := base64.StdEncoding.DecodeString(h.Get(name))
	if err != nil {
		return h.Get(name)
	}
	return string(text)
}

// Requeue submits dead letters again, by their numbers, as new tasks with the same IDs
// and all attempts before them, and returns how many. It stops at the first that cannot
// be submitted, which stays and those after it. A result that is kept is deleted, so
// [Await] waits for the new one. [ErrNoDeadLetter]: there is no such number.
func (q *queue) Requeue(ctx context.Context, numbers ...uint64) (int, error) {
	return q.each(ctx, numbers, "requeue", func(ctx context.Context, msg *js.RawStreamMsg) error {
		h := own(msg.Header)
		maps.DeleteFunc(h, func(name string, _ []string) bool { return strings.HasPrefix(name, headerDead) })
		again := &nats.Msg{Subject: q.ready(min(number(msg.Header, headerLevel), q.settings.Levels-1)), Header: h, Data: msg.Data}
		if q.results != nil { // of what the task came to before, which its waiter must not take for the new one
			key := resultKey(idOf(msg.Header))
			if err := q.store.patiently(ctx, func(ctx context.Context) error { return q.results.Delete(ctx, key) }); err != nil {
				return err
			}
		}
		// The ID may still be in the queue's window. By this one, which no task can have
		// for its space, a second call finds what the first has done.
		_, err := q.publish(ctx, again, "requeue "+strconv.FormatUint(msg.Sequence, 10))
		return err
	})
}

// Delete forgets dead letters, by their numbers, and returns how many. [ErrNoDeadLetter]:
// there is no such number.
func (q *queue) Delete(ctx context.Context, numbers ...uint64) (int, error) {
	return q.each(ctx, numbers, "delete", func(context.Context, *js.RawStreamMsg) error { return nil })
}

// each does something with dead letters and deletes them.
func (q *queue) each(
	ctx context.Context, numbers []uint64, what string, do func(context.Context, *js.RawStreamMsg) error,
) (int, error) {
	for i, n := range numbers {
		err := q.deadWith(ctx, n, do)
		if err != nil {
			return i, fmt.Errorf("%s dead letter %d of %s: %w", what, n, q.name, err)
		}
	}
	return len(numbers), nil
}

func (q *queue) deadWith(ctx context.Context, n uint64, do func(context.Context, *js.RawStreamMsg) error) error {
	msg, err := q.nextDead(ctx, n)
	if errors.Is(err, js.ErrMsgNotFound) || err == nil && msg.Sequence != n {
		return ErrNoDeadLetter
	}
	if err != nil {
		return err
	}
	if err := do(ctx, msg); err != nil {
		return err
	}
	err = q.store.patiently(ctx, func(ctx context.Context) error { return q.dead.DeleteMsg(ctx, n) })
	if errors.Is(err, js.ErrMsgNotFound) { // somebody else did the same
		return nil
	}
	return err
}
