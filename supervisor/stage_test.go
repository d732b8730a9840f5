package supervisor_test

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bubble runs a test in virtual time. It is over only when no goroutine is left.
func bubble(t *testing.T, test func(*testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		// Proto.Actor counts dead letters for a second, in a goroutine that ends then.
		t.Cleanup(func() { time.Sleep(2 * time.Second) })
		test(t)
	})
}

func quiet() *actor.ActorSystem {
	return actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
}

// A crew is a pool of workers that are actors: each does what it is sent.
type crew struct {
	t      *testing.T
	system *actor.ActorSystem
	pid    *actor.PID
	born   int // workers made, restarts included; read it after synctest.Wait
}

// deed is a task: what the worker that gets it does.
type deed func(ctx actor.Context)

func fail(value any) deed { return func(actor.Context) { panic(value) } }

// newCrew spawns a pool below the guardian of a system of its own and stops it at
// the end of the bubble of t.
func newCrew(t *testing.T, opts ...actors.Option) *crew {
	t.Helper()
	return newCrewIn(t, quiet(), "crew", opts...)
}

func newCrewIn(t *testing.T, system *actor.ActorSystem, name string, opts ...actors.Option) *crew {
	t.Helper()
	c := &crew{t: t, system: system}
	pid, err := system.Root.SpawnNamed(c.props(opts...), name)
	require.NoError(t, err)
	c.pid = pid
	t.Cleanup(func() {
		system.Root.Stop(pid)
		synctest.Wait()
	})
	return c
}

func (c *crew) props(opts ...actors.Option) *actor.Props {
	born := make(chan struct{}, 1)
	born <- struct{}{}
	return actors.PropsFromProducer(func() actor.Actor {
		<-born // workers restart at the same time
		c.born++
		born <- struct{}{}
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if d, ok := ctx.Message().(deed); ok {
				d(ctx)
			}
		})
	}, opts...)
}

// do has a worker do something, and returns when nothing moves any more.
func (c *crew) do(d deed) {
	c.system.Root.Send(c.pid, d)
	synctest.Wait()
}

func (c *crew) stats() *messages.Stats {
	c.t.Helper()
	answer, err := c.system.Root.RequestFuture(c.pid, &messages.GetStats{}, time.Minute).Result()
	require.NoError(c.t, err)
	stats := answer.(*messages.Stats)
	require.True(c.t, stats.Balanced(), "%+v", stats)
	return stats
}

// events are the published events of one type, in order.
func events[E any](system *actor.ActorSystem) *[]E {
	seen := new([]E)
	system.EventStream.Subscribe(func(event any) {
		if e, ok := event.(E); ok {
			*seen = append(*seen, e)
		}
	})
	return seen
}
