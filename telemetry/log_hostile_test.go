package telemetry_test

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/telemetry"
)

func TestHandlerThatPanicsOrEndsItsGoroutineLosesThatLineOnly(t *testing.T) {
	for name, spell := range map[string]func(){
		"panic":  func() { panic("the handler's") },
		"Goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				system := pooltest.System()
				lines := 0
				n := &notes{level: slog.LevelInfo, spell: func(slog.Record) {
					if lines++; lines%2 == 1 {
						spell()
					}
				}}
				stop := logTo(t, system, n)
				pool := pooltest.Open(t, system.Root, act, actors.WithName("kitchen"), actors.WithSize(1))
				for range 10 {
					_, err := pool.Ask(context.Background(), "fail")
					require.ErrorIs(t, err, pooltest.ErrTask)
				}
				time.Sleep(time.Second)
				assert.Len(t, n.lines(), 5)
				for range 10 {
					_, err := pool.Ask(context.Background(), "fail")
					require.ErrorIs(t, err, pooltest.ErrTask)
				}
				stop()
				assert.Len(t, n.lines(), 10, "the next time and at the end as well")
			})
		})
	}
}

func TestHandlerThatBlocksDelaysNoPool(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		gate := make(chan struct{})
		n := &notes{level: slog.LevelDebug, spell: func(slog.Record) { <-gate }}
		stop := logTo(t, system, n)
		pool := pooltest.Open(t, system.Root, act, actors.WithName("kitchen"), actors.WithSize(1))
		for range 10 {
			begun := time.Now()
			_, err := pool.Ask(context.Background(), "panic")
			require.Error(t, err)
			assert.Zero(t, time.Since(begun))
			time.Sleep(time.Second)
		}
		pool.Close()
		<-pool.Done()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			stop()
		}()
		synctest.Wait()
		assert.Empty(t, n.lines())
		close(gate)
		<-ended
		assert.GreaterOrEqual(t, len(n.lines()), 20, "once it goes on, nothing is missing: %v", n.texts())
	})
}

func TestHandlerMaySpawnPoolsAndLogsMayBeStoppedByMany(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		n := &notes{level: slog.LevelInfo, spell: func(slog.Record) {
			inner, err := actors.NewPool(system.Root, act, actors.WithSize(1))
			assert.NoError(t, err)
			inner.Close()
		}}
		stop := logTo(t, system, n)
		pool := pooltest.Open(t, system.Root, act, actors.WithName("kitchen"), actors.WithSize(1))
		_, err := pool.Ask(context.Background(), "fail")
		require.ErrorIs(t, err, pooltest.ErrTask)
		var stoppers sync.WaitGroup
		for range 4 {
			stoppers.Go(func() {
				stop()
				assert.Len(t, n.lines(), 1)
			})
		}
		stoppers.Wait()
	})
}

func TestLogOfBusyPoolsThatComeAndGo(t *testing.T) {
	timelimit.Set(t)
	system := pooltest.System()
	n := &notes{level: slog.LevelDebug}
	stop := logTo(t, system, n, telemetry.WithInterval(time.Millisecond))
	var owners sync.WaitGroup
	for range 4 {
		owners.Go(func() {
			for range 10 {
				pool, err := actors.NewPool(system.Root, act, actors.WithSize(2))
				if !assert.NoError(t, err) {
					return
				}
				for range 50 {
					assert.NoError(t, pool.Tell(context.Background(), "fail"))
				}
				_, err = pool.Shutdown(context.Background())
				assert.NoError(t, err)
			}
		})
	}
	owners.Wait()
	stop()
	failed := 0
	for _, text := range n.texts() {
		if text == "WARN task failed" {
			failed++
		}
	}
	assert.Equal(t, 2000, failed, "each has its line, also those of pools that were gone at once")
}
