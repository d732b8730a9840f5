package deliver_test

import (
	"bytes"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/internal/pooltest"
)

// A receiver is a process that gets its messages on their sender's goroutine.
type receiver struct {
	do func()

	mu  sync.Mutex
	got []any // guarded by mu
}

func (r *receiver) SendUserMessage(_ *actor.PID, message any)   { r.take(message) }
func (r *receiver) SendSystemMessage(_ *actor.PID, message any) { r.take(message) }
func (r *receiver) Stop(*actor.PID)                             {}

func (r *receiver) take(message any) {
	r.mu.Lock()
	r.got = append(r.got, actor.UnwrapEnvelopeMessage(message))
	r.mu.Unlock()
	if r.do != nil {
		r.do()
	}
}

// stage is an actor system with a receiver in it, and a log. Use it in a bubble.
func stage(t *testing.T, do func()) (d *deliver.Deliverer, r *receiver, to *actor.PID, log *bytes.Buffer) {
	t.Helper()
	system := pooltest.System()
	r, log = &receiver{do: do}, new(bytes.Buffer)
	to, added := system.ProcessRegistry.Add(r, "receiver")
	require.True(t, added)
	return deliver.New(system, slog.New(slog.NewTextHandler(log, nil)), "pool"), r, to, log
}

func TestMessagesArriveInOrder(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		d, r, to, log := stage(t, nil)
		letters := pooltest.Events[*actor.DeadLetterEvent](t, d.System())
		events := pooltest.Events[string](t, d.System())
		d.Tell(to, "user")
		d.TellSystem(to, "system")
		d.Publish("event")
		assert.Equal(t, "event", <-events)
		d.PublishLater("later")
		d.DeadLetter(to, "letter")
		d.Tell(d.System().NewLocalPID("nobody"), "lost")
		d.TellSystem(nil, "lost, too")
		synctest.Wait()
		d.Refuse(nil, "refused")

		assert.Equal(t, []any{"user", "system"}, r.got)
		assert.Equal(t, "later", <-events)
		for _, want := range []string{"letter", "lost", "lost, too", "refused"} {
			assert.Equal(t, want, (<-letters).Message)
		}
		assert.Empty(t, log.String())
	})
}

// An actor whose mailbox takes messages at once gets them on the sender's goroutine.
func TestActorsAreToldAtOnce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		d, _, _, _ := stage(t, nil)
		in := pooltest.NewInbox(t, d.System().Root)
		for i := range 100 {
			d.Tell(in.PID, i)
		}
		for i := range 100 {
			assert.Equal(t, i, <-in.Mail)
		}
	})
}

func TestNoReceiverKeepsAnyoneWaiting(t *testing.T) {
	// A full mailbox makes its senders spin, so this is in real time.
	t.Run("a full mailbox", func(t *testing.T) {
		d := deliver.New(pooltest.System(), slog.New(slog.DiscardHandler), "pool")
		root := d.System().Root
		release := make(chan struct{})
		got := make(chan any, 10)
		pid := root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if text, ok := ctx.Message().(string); ok {
				<-release
				got <- text
			}
		}, actor.WithMailbox(actor.Bounded(2))))
		in := pooltest.NewInbox(t, root)
		for _, text := range []string{"a", "b", "c", "d", "e", "f"} {
			d.Tell(pid, text)
		}
		d.Tell(in.PID, "free")
		assert.Equal(t, "free", <-in.Mail)
		close(release)
		for _, text := range []string{"a", "b", "c", "d", "e", "f"} {
			assert.Equal(t, text, <-got, "the order is kept")
		}
		require.NoError(t, root.StopFuture(pid).Wait())
	})
	t.Run("a process that blocks", func(t *testing.T) {
		pooltest.Bubble(t, func(t *testing.T) {
			end := make(chan struct{})
			d, r, to, _ := stage(t, func() { <-end })
			begun := time.Now()
			d.Tell(to, 1)
			d.TellSystem(to, 2)
			assert.Zero(t, time.Since(begun))
			close(end)
			synctest.Wait()
			assert.Equal(t, []any{1, 2}, r.got)
		})
	})
	t.Run("subscribers and loggers", func(t *testing.T) {
		pooltest.Bubble(t, func(t *testing.T) {
			end := make(chan struct{})
			d, _, to, _ := stage(t, nil)
			d.System().EventStream.Subscribe(func(any) { <-end })
			begun := time.Now()
			for range 10 {
				d.Publish("event")
				d.Refuse(to, "letter")
				d.DeadLetter(to, "letter")
				d.Log(slog.LevelInfo, "line")
			}
			assert.LessOrEqual(t, time.Since(begun), 2*guard.Limit, "once for events and once for letters")
			close(end)
			synctest.Wait()
		})
	})
}

func TestWhatReceiversDoIsSurvivedAndLogged(t *testing.T) {
	for name, tt := range map[string]struct {
		send func(d *deliver.Deliverer, to *actor.PID)
		says string
	}{
		"user message":   {func(d *deliver.Deliverer, to *actor.PID) { d.Tell(to, 1) }, "receiver failed"},
		"system message": {func(d *deliver.Deliverer, to *actor.PID) { d.TellSystem(to, 1) }, "receiver failed"},
		"event":          {func(d *deliver.Deliverer, _ *actor.PID) { d.Publish(1) }, "event subscriber failed"},
		"dead letter":    {func(d *deliver.Deliverer, to *actor.PID) { d.DeadLetter(to, 1) }, "dead letter subscriber failed"},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				var harm func()
				do := func() { harm() }
				d, _, to, log := stage(t, do)
				d.System().EventStream.Subscribe(func(any) { do() })

				harm = func() { panic("own fault") }
				tt.send(d, to)
				synctest.Wait()
				assert.Contains(t, log.String(), tt.says)
				assert.Contains(t, log.String(), "own fault")

				harm = runtime.Goexit
				tt.send(d, to)
				synctest.Wait()

				harm = func() {}
				log.Reset()
				tt.send(d, to)
				synctest.Wait()
				assert.Empty(t, log.String())
			})
		})
	}
}

func TestALoggerMayPanic(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		d := deliver.New(pooltest.System(), slog.New(slog.NewTextHandler(broken{}, nil)), "pool")
		d.Log(slog.LevelError, "line")
		d.Log(slog.LevelError, "line")
	})
}

type broken struct{}

func (broken) Write([]byte) (int, error) { panic("no disk") }
