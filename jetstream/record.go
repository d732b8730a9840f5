package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/messages"
)

// A record is what is known of the deliveries of a task that have not brought an
// outcome. The server counts deliveries alone; by this, those that were lost can be
// told from those that failed and those that were given back. It is written before the
// server is told, by the node that has the task, so nobody else writes it.
type record struct {
	Failures int                 `json:"failures,omitempty"` // attempts that failed
	Returned int                 `json:"returned,omitempty"` // deliveries that were given back
	Begun    bool                `json:"begun,omitempty"`    // a handler may have begun one of these
	Dead     messages.DeadReason `json:"dead,omitempty"`     // it is to be a dead letter
	Outcome  messages.Outcome    `json:"outcome,omitempty"`  // of the last attempt that failed
	Err      string              `json:"err,omitempty"`
	Stack    string              `json:"stack,omitempty"`

	exists bool // there is one in the store
}

// Bounds of texts that are stored, in bytes.
const (
	maxErr   = 4 << 10
	maxStack = 16 << 10
)

// clip shortens a text to a number of bytes and marks the cut.
func clip(text string, bytes int) string {
	if len(text) <= bytes {
		return text
	}
	return strings.ToValidUTF8(text[:bytes], "") + " …" // the cut may split a character
}

// fail adds an attempt that failed.
func (r *record) fail(outcome messages.Outcome, err error) {
	text, stack := clip(guard.Text(err), maxErr), ""
	if panicked, ok := guard.As[*messages.PanicError](err); ok {
		stack = clip(string(panicked.Stack), maxStack)
	}
	r.Failures++
	r.Outcome, r.Err, r.Stack = outcome, text, stack
}

// lost is how many deliveries of the task, before this one, nothing is known of.
func (d *delivery) lost() int {
	return max(int(d.meta.NumDelivered)-1-d.record.Failures-d.record.Returned, 0)
}

func (d *delivery) recordSubject() string {
	return d.feeder.queue.subject("attempts", d.number())
}

// number names the task in the queue.
func (d *delivery) number() string { return strconv.FormatUint(d.meta.Sequence.Stream, 10) }

// recall reads the task's record.
func (d *delivery) recall() error {
	q := d.feeder.queue
	return q.store.patiently(d.feeder.calls, func(ctx context.Context) error {
		msg, err := q.attempts.GetLastMsgForSubject(ctx, d.recordSubject())
		if errors.Is(err, js.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		d.record.exists = true
		return json.Unmarshal(msg.Data, &d.record)
	})
}

// note writes the task's record.
func (d *delivery) note() error {
	data, err := json.Marshal(&d.record)
	if err != nil {
		return err
	}
	q := d.feeder.queue
	err = q.store.patiently(d.feeder.calls, func(ctx context.Context) error {
		_, err := q.store.js.PublishMsg(ctx, &nats.Msg{Subject: d.recordSubject(), Data: data})
		return err
	})
	d.record.exists = d.record.exists || err == nil
	return err
}

// forgetIfSettled deletes the record just written if the task is gone: the queue was purged,
// or another node has settled the task, since the lease was over before this node knew. That
// node may have deleted the records that it found before this one was written.
func (d *delivery) forgetIfSettled() {
	q, gone := d.feeder.queue, false
	err := q.store.patiently(d.feeder.calls, func(ctx context.Context) (err error) {
		gone, err = q.isGone(ctx, d.meta.Sequence.Stream)
		return err
	})
	switch {
	case err != nil:
		d.warn("the record of a task that may be settled is not deleted", err)
	case gone:
		d.forget()
	}
}

// isGone reports whether there is no task of that number. It asks the leader: another replica
// may not know of a task yet.
func (q *queue) isGone(ctx context.Context, number uint64) (bool, error) {
	request, err := json.Marshal(map[string]uint64{"seq": number})
	if err != nil {
		return false, err
	}
	msg, err := q.store.conn.RequestWithContext(ctx, apiPrefix+".STREAM.MSG.GET."+q.stream("tasks"), request)
	if err != nil {
		return false, err
	}
	var answer struct {
		Error *js.APIError `json:"error"`
	}
	if err := json.Unmarshal(msg.Data, &answer); err != nil {
		return false, err
	}
	switch {
	case answer.Error == nil:
		return false, nil
	case isCode(answer.Error, js.JSErrCodeMessageNotFound):
		return true, nil
	}
	return false, answer.Error
}

// forget deletes the record of a task that is settled. One that stays is deleted when
// it is old.
func (d *delivery) forget() {
	q := d.feeder.queue
	err := q.store.patiently(d.feeder.calls, func(ctx context.Context) error {
		return q.attempts.Purge(ctx, js.WithPurgeSubject(d.recordSubject()))
	})
	if err != nil {
		d.warn("the record of a task is not deleted", err)
	}
}
