package jetstream

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"github.com/troupe-go/troupe/guard"
)

// A task is what is stored of one beside its payload.
type task struct {
	id, key   string
	level     int
	timeout   time.Duration // 0: the pool's
	headers   map[string]string
	codec     string
	at        time.Time // not before; zero: now
	submitted time.Time // zero: when the server has it
}

// The headers of a message. Those of the trace have names of their own, by which other
// programs know them.
const (
	headerID        = "Troupe-Id"      // where that of the message is another, or none
	headerKey       = "Troupe-Key"     // escaped
	headerHeaders   = "Troupe-Headers" // the task's, as a query
	headerTimeout   = "Troupe-Timeout"
	headerCodec     = "Troupe-Codec"
	headerSubmitted = "Troupe-Submitted"
)

// Headers that the server acts on.
const (
	headerSchedule = "Nats-Schedule"
	headerTarget   = "Nats-Schedule-Target"
)

// maxHeader bounds what the headers of a task take, in bytes. The server's own bound is
// 64 KiB; what becomes of the task has to fit in, too.
const maxHeader = 32 << 10

// deadRoom is how much smaller than the server's largest message a payload must be, for
// the same reason.
const deadRoom = 64 << 10

// message makes the message by which a task is submitted.
func (q *Queue[In]) message(ctx context.Context, in In, opts []SubmitOption) (*nats.Msg, string, error) {
	name, err := nameOf(q.codec)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", invalidOption("codec"), err)
	}
	t := task{codec: name}
	for _, o := range opts {
		if o == nil {
			return nil, "", invalidOption("submit option is nil")
		}
		if err := o.apply(&t); err != nil {
			return nil, "", err
		}
	}
	if t.level < 0 || t.level >= q.settings.Levels {
		return nil, "", invalidOption("priority %d is not one of the %d levels of queue %s, from 0", t.level, q.settings.Levels, q.name)
	}
	if !t.at.IsZero() && q.settings.bounded() {
		return nil, "", invalidOption("delayed task: queue %s has a bound", q.name)
	}
	if t.id == "" {
		t.id = nuid.Next()
	}
	payload, err := marshal(q.codec, in)
	if err != nil {
		return nil, "", fmt.Errorf("%w: payload %T: %w", invalidOption("payload"), in, err)
	}
	if limit := q.store.conn.MaxPayload() - deadRoom; int64(len(payload)) > limit {
		return nil, "", fmt.Errorf("%w: payload of %d bytes > %d", ErrTooLarge, len(payload), limit)
	}
	msg := &nats.Msg{Data: payload, Header: t.header()}
	if err := q.inject(ctx, msg.Header); err != nil {
		return nil, "", err
	}
	if size := headerSize(msg.Header); size > maxHeader {
		return nil, "", fmt.Errorf("%w: headers of %d bytes > %d", ErrTooLarge, size, maxHeader)
	}
	q.address(msg, t.id, t.level, t.at)
	return msg, t.id, nil
}

// address says where a message goes: to those that are ready or, before its time, to
// those that the server moves there then.
func (q *queue) address(msg *nats.Msg, id string, level int, at time.Time) {
	msg.Subject = q.ready(level)
	if time.Until(at) <= 0 {
		return
	}
	msg.Header.Set(headerID, id) // the server moves it without that of the message
	msg.Header.Set(headerSubmitted, time.Now().UTC().Format(time.RFC3339Nano))
	msg.Header.Set(headerSchedule, "@at "+at.UTC().Format(time.RFC3339Nano))
	msg.Header.Set(headerTarget, msg.Subject)
	msg.Subject = q.subject("later", strconv.Itoa(level), nuid.Next())
}

// header is the task as a message has it.
func (t *task) header() nats.Header {
	h := nats.Header{headerCodec: {url.QueryEscape(t.codec)}}
	if t.key != "" {
		h.Set(headerKey, url.QueryEscape(t.key))
	}
	if t.timeout > 0 {
		h.Set(headerTimeout, t.timeout.String())
	}
	if len(t.headers) > 0 {
		values := make(url.Values, len(t.headers))
		for key, value := range t.headers {
			values.Set(key, value)
		}
		h.Set(headerHeaders, values.Encode())
	}
	return h
}

func headerSize(h nats.Header) int {
	size := 0
	for key, values := range h {
		for _, value := range values {
			size += len(key) + len(value) + len(": \r\n")
		}
	}
	return size
}

// parse reads a task from a message's headers. What can be read is in the task even
// if there is an error.
func parse(h nats.Header) (t task, err error) {
	t.id = idOf(h)
	fail := func(what string, cause error) {
		if cause != nil && err == nil {
			err = fmt.Errorf("header %s: %w", what, cause)
		}
	}
	var cause error
	t.codec, cause = url.QueryUnescape(h.Get(headerCodec))
	fail(headerCodec, cause)
	t.key, cause = url.QueryUnescape(h.Get(headerKey))
	fail(headerKey, cause)
	if text := h.Get(headerTimeout); text != "" {
		t.timeout, cause = time.ParseDuration(text)
		fail(headerTimeout, cause)
	}
	if text := h.Get(headerSubmitted); text != "" {
		t.submitted, cause = time.Parse(time.RFC3339Nano, text)
		fail(headerSubmitted, cause)
	}
	if text := h.Get(headerHeaders); text != "" {
		values, cause := url.ParseQuery(text)
		fail(headerHeaders, cause)
		t.headers = make(map[string]string, len(values))
		for key := range values {
			t.headers[key] = values.Get(key)
		}
	}
	return t, err
}

// inject writes the trace of whoever submits a task.
func (q *queue) inject(ctx context.Context, h nats.Header) error {
	return failureOf("propagator", guard.Call(func() { q.store.cfg.propagator.Inject(ctx, carrier(h)) }))
}

// idOf is the ID of a task by its message's headers.
func idOf(h nats.Header) string {
	if id, ok := h[headerID]; ok {
		return id[0]
	}
	return h.Get(nats.MsgIdHdr)
}

// traceOf continues the trace of whoever submitted the task.
func (q *queue) traceOf(h nats.Header) context.Context {
	return q.store.cfg.propagator.Extract(context.Background(), carrier(h))
}

// submittedAt is when a task was submitted that the server stored at the given time.
func (t *task) submittedAt(stored time.Time) time.Time {
	if t.submitted.IsZero() {
		return stored
	}
	return t.submitted
}

// carrier has the headers of a trace by their names as they are: those of NATS heed
// the case.
type carrier nats.Header

func (c carrier) Get(key string) string { return nats.Header(c).Get(key) }
func (c carrier) Set(key, value string) { nats.Header(c).Set(key, value) }
func (c carrier) Keys() []string        { return slices.Collect(maps.Keys(c)) }
