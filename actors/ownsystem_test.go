package actors_test

import (
	"bytes"
	"log"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
)

// withoutParent makes pools in the two ways that need no actor system.
var withoutParent = map[string]func(actors.Handler[int, int], ...actors.Option) (*actors.Pool[int, int], error){
	"New": actors.New[int, int],
	"nil parent": func(handler actors.Handler[int, int], opts ...actors.Option) (*actors.Pool[int, int], error) {
		return actors.NewPool(nil, handler, opts...)
	},
}

func TestAPoolWithoutAParentHasAnActorSystemOfItsOwn(t *testing.T) {
	timelimit.Set(t)
	for name, open := range withoutParent {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			pool, err := open(pooltest.Double, actors.WithSize(2))
			require.NoError(t, err)
			out, err := pool.Ask(t.Context(), 4)
			require.NoError(t, err)
			assert.Equal(t, 8, out)

			report, err := pool.Shutdown(t.Context())
			require.NoError(t, err)
			assert.Empty(t, report.Abandoned)
			_, err = pool.Ask(t.Context(), 4)
			require.ErrorIs(t, err, messages.ErrPoolStopped)
			goleak.VerifyNone(t, before)
		})
	}
}

func TestAnOwnActorSystemStopsWithItsPool(t *testing.T) {
	timelimit.Set(t)
	systems := make(chan *actor.ActorSystem, 1)
	pool, err := actors.New(pooltest.Double, actors.WithSize(1), actors.WithWorkerProps(
		actor.WithOnInit(func(ctx actor.Context) { systems <- ctx.ActorSystem() })))
	require.NoError(t, err)
	system := <-systems
	assert.False(t, system.IsStopped())
	pool.Close()
	<-pool.Done()
	assert.True(t, system.IsStopped())
}

func TestPoolsWithoutAParentMayHaveOneName(t *testing.T) {
	timelimit.Set(t)
	for range 2 {
		pool, err := actors.New(pooltest.Double, actors.WithName("twin"))
		require.NoError(t, err)
		t.Cleanup(func() { pool.Close() })
		assert.Equal(t, "twin", pool.Stats().Pool)
	}
}

func TestBadOptionsOfAPoolWithoutAParentAreErrors(t *testing.T) {
	timelimit.Set(t)
	for name, open := range withoutParent {
		t.Run(name, func(t *testing.T) {
			_, err := open(nil)
			require.ErrorIs(t, err, messages.ErrInvalidOption)
			_, err = open(pooltest.Double, actors.WithSize(0))
			require.ErrorIs(t, err, messages.ErrInvalidOption)
			_, err = open(pooltest.Double, actors.WithName("eventstream")) // Proto.Actor's
			require.ErrorIs(t, err, messages.ErrInvalidOption)
		})
	}
}

// lines keeps the lines that are logged. Read it in a bubble that is at rest.
type lines struct{ bytes.Buffer }

func (l *lines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestAPoolWithoutAParentLogsThroughTheDefaultLoggerOrItsOwn(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var usual, own lines
		before, writer, flags := slog.Default(), log.Writer(), log.Flags()
		slog.SetDefault(usual.logger()) // which also redirects package log
		t.Cleanup(func() {
			slog.SetDefault(before)
			log.SetOutput(writer)
			log.SetFlags(flags)
		})
		overload := func(opts ...actors.Option) {
			g := pooltest.NewGate()
			pool, err := actors.New(g.Handle, append(opts, actors.WithSize(1), actors.WithHealth(time.Second))...)
			require.NoError(t, err)
			for i := range 7 {
				require.NoError(t, pool.Tell(t.Context(), i))
			}
			time.Sleep(time.Second)
			synctest.Wait()
			close(g.Open)
			pool.Close()
			synctest.Wait()
		}

		overload()
		assert.Contains(t, usual.String(), "level=WARN")
		assert.NotContains(t, usual.String(), "level=INFO", "as Proto.Actor logs its start")
		usual.Reset()

		overload(actors.WithLogger(own.logger()))
		assert.Contains(t, own.String(), "level=WARN")
		assert.NotContains(t, own.String(), "level=INFO")
		assert.Empty(t, usual.String())
	})
}
