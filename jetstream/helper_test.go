package jetstream_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/jetstream"
)

// patience is for what must come, on a machine however slow.
const patience = 30 * time.Second

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// open opens a store in a directory, until the end of the test.
func open(t *testing.T, directory string, opts ...jetstream.Option) *jetstream.Store {
	t.Helper()
	opts = append([]jetstream.Option{jetstream.WithDirectory(directory), jetstream.WithLogger(quiet())}, opts...)
	store, err := jetstream.Open(t.Context(), opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close(context.Background())) })
	return store
}

// queue makes a queue of ints.
func queue(t *testing.T, store *jetstream.Store, opts ...jetstream.QueueOption) *jetstream.Queue[int] {
	t.Helper()
	q, err := jetstream.NewQueue[int](t.Context(), store, "numbers", opts...)
	require.NoError(t, err)
	return q
}

// pool makes a pool, until the end of the test.
func pool[In, Out any](t *testing.T, handler actors.Handler[In, Out], opts ...actors.Option) *actors.Pool[In, Out] {
	t.Helper()
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return quiet() }))
	p, err := actors.NewPool(system.Root, handler, append([]actors.Option{actors.WithSize(2)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() {
		p.Close()
		<-p.Done()
		stats := p.Stats()
		require.True(t, stats.Balanced(), "%+v", stats)
		system.Shutdown()
	})
	return p
}

// attach feeds the pool, until the end of the test.
func attach[In, Out any](t *testing.T, q *jetstream.Queue[In], p *actors.Pool[In, Out], opts ...jetstream.AttachOption) *jetstream.Feeder {
	t.Helper()
	f, err := jetstream.Attach(q, p, opts...)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = f.Stop(ctx)
	})
	return f
}
