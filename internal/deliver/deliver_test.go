package deliver_test

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/deliver"
)

// A receiver is a process that gets its messages on their sender's goroutine.
type receiver struct {
	fails  bool
	user   []any
	system []any
}

func (r *receiver) SendUserMessage(_ *actor.PID, message any) {
	r.user = append(r.user, message)
	r.panicIf()
}

func (r *receiver) SendSystemMessage(_ *actor.PID, message any) {
	r.system = append(r.system, message)
	r.panicIf()
}

func (r *receiver) Stop(*actor.PID) {}

func (r *receiver) panicIf() {
	if r.fails {
		panic("receiver's own fault")
	}
}

// stage is an actor system with a receiver in it, and a log.
func stage(t *testing.T) (d deliver.Deliverer, r *receiver, to *actor.PID, log *bytes.Buffer) {
	t.Helper()
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
	r, log = new(receiver), new(bytes.Buffer)
	to, added := system.ProcessRegistry.Add(r, "receiver")
	require.True(t, added)
	return deliver.Deliverer{System: system, Logger: slog.New(slog.NewTextHandler(log, nil))}, r, to, log
}

func TestMessagesArrive(t *testing.T) {
	d, r, to, log := stage(t)
	var published []any
	d.System.EventStream.Subscribe(func(event any) { published = append(published, event) })

	d.Tell(to, "user")
	d.TellSystem(to, "system")
	d.Publish("event")
	d.DeadLetter(to, "letter")

	assert.Equal(t, []any{"user"}, r.user)
	assert.Equal(t, []any{"system"}, r.system)
	require.Len(t, published, 2)
	assert.Equal(t, "event", published[0])
	require.IsType(t, &actor.DeadLetterEvent{}, published[1])
	assert.Equal(t, "letter", published[1].(*actor.DeadLetterEvent).Message)
	assert.Empty(t, log.String())
}

func TestPanicsDoNotEscape(t *testing.T) {
	tests := []struct {
		name string
		send func(d deliver.Deliverer, to *actor.PID)
		says string
	}{
		{"user message", func(d deliver.Deliverer, to *actor.PID) { d.Tell(to, 1) }, "receiver panicked"},
		{"system message", func(d deliver.Deliverer, to *actor.PID) { d.TellSystem(to, 1) }, "receiver panicked"},
		{"event", func(d deliver.Deliverer, _ *actor.PID) { d.Publish(1) }, "event subscriber panicked"},
		{"dead letter", func(d deliver.Deliverer, to *actor.PID) { d.DeadLetter(to, 1) }, "dead letter subscriber panicked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, r, to, log := stage(t)
			r.fails = true
			subscription := d.System.EventStream.Subscribe(func(any) { panic("subscriber's own fault") })

			require.NotPanics(t, func() { tt.send(d, to) })
			assert.Contains(t, log.String(), tt.says)
			assert.Contains(t, log.String(), "own fault")

			// The survivor is as good as new.
			r.fails = false
			d.System.EventStream.Unsubscribe(subscription)
			log.Reset()
			require.NotPanics(t, func() { tt.send(d, to) })
			assert.Empty(t, log.String())
		})
	}
}

func TestUnknownReceiverIsNoPanic(t *testing.T) {
	d, _, _, log := stage(t)
	nobody := d.System.NewLocalPID("nobody")
	require.NotPanics(t, func() {
		d.Tell(nobody, 1)
		d.TellSystem(nobody, 1)
		d.DeadLetter(nil, 1)
	})
	assert.Empty(t, log.String())
}
