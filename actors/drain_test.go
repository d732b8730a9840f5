package actors_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

// Shutdown, a Drain message and Proto.Actor's Poison finish what was accepted; Finish and
// its message finish what runs; Close and Stop do not wait for either.
func TestADrainFinishesTheTasksAndACloseDoesNot(t *testing.T) {
	type pool = actors.Pool[time.Duration, time.Duration]
	for name, tt := range map[string]struct {
		end                           func(root *actor.RootContext, p *pool)
		finished, canceled, discarded int64
	}{
		"Shutdown": {func(_ *actor.RootContext, p *pool) { _, _ = p.Shutdown(context.Background()) }, 5, 0, 0},
		"Drain":    {func(root *actor.RootContext, p *pool) { root.Send(p.PID(), &messages.Drain{}) }, 5, 0, 0},
		"Poison":   {func(root *actor.RootContext, p *pool) { root.Poison(p.PID()) }, 5, 0, 0},
		"Finish":   {func(_ *actor.RootContext, p *pool) { _, _ = p.Finish(context.Background()) }, 3, 0, 2},
		"a Finish": {func(root *actor.RootContext, p *pool) { root.Send(p.PID(), messages.Finish{}) }, 3, 0, 2},
		"Stop":     {func(root *actor.RootContext, p *pool) { root.Stop(p.PID()) }, 0, 3, 2},
		"Close":    {func(_ *actor.RootContext, p *pool) { p.Close() }, 0, 3, 2},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				p := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(3))
				for range 5 {
					require.NoError(t, p.Tell(t.Context(), time.Minute))
				}
				synctest.Wait()
				tt.end(root, p)
				synctest.Wait() // a message takes its way
				assert.ErrorIs(t, p.Tell(t.Context(), 0), messages.ErrPoolStopped)
				<-p.Done()
				stats := p.Stats()
				assert.Equal(t, [3]int64{tt.finished, tt.canceled, tt.discarded},
					[3]int64{stats.Succeeded, stats.Canceled, stats.Dropped})
			})
		})
	}
}

// A timer that goes on would in time send a message to an actor that is gone.
func TestNoTimerOutlivesAPool(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		letters := pooltest.Events[*actor.DeadLetterEvent](t, root.ActorSystem())
		p, err := actors.NewPool(root, pooltest.Sleep, actors.WithHealth(time.Second), actors.WithTaskTimeout(time.Hour))
		require.NoError(t, err)
		require.NoError(t, p.Tell(t.Context(), time.Minute))
		synctest.Wait()
		p.Close()
		<-p.Done()
		time.Sleep(24 * time.Hour)
		assert.Empty(t, letters)
	})
}
