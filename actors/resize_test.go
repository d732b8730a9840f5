package actors_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
	"github.com/troupe-go/troupe/supervisor"
)

func TestResizeWhileBusyLosesNoTask(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin(), router.ConsistentHash()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(2), actors.WithDispatch(dispatch))
				for range 60 {
					require.NoError(t, pool.Tell(t.Context(), time.Minute))
				}
				began := time.Now()
				for _, size := range []int{6, 1, 5, 3} {
					require.NoError(t, pool.Resize(t.Context(), size))
					assert.Equal(t, size, pool.Stats().Size)
					time.Sleep(30 * time.Second)
				}
				require.NoError(t, pool.Wait(t.Context()))
				stats := pool.Stats()
				assert.EqualValues(t, 60, stats.Succeeded)
				assert.Len(t, stats.Workers, 3)
				if dispatch.String() == router.LeastBusy().String() {
					assert.Less(t, time.Since(began), 25*time.Minute)
				}
			})
		})
	}
}

func TestAResizeGivesTheNewWorkersWhatWaits(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1))
		for range 4 {
			require.NoError(t, pool.Tell(t.Context(), time.Minute))
		}
		began := time.Now()
		require.NoError(t, pool.Resize(t.Context(), 4))
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, time.Minute, time.Since(began))
	})
}

// A worker that is on its way out counts neither before nor after.
func TestAResizeWhileAWorkerIsBeingReplacedIsExact(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Spawn(t, root, actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				switch msg := ctx.Message().(type) {
				case *actor.Stopping:
					time.Sleep(time.Second) // it puts its things in order
				case error:
					panic(msg)
				}
			})
		}, actors.WithSize(2), actors.WithSupervision(supervisor.OneForOne(
			supervisor.Decider(func(error) actor.Directive { return actor.StopDirective })))))
		in := pooltest.NewInbox(t, root)
		in.Result(t, pool, pooltest.ErrTask)
		synctest.Wait()
		assert.Equal(t, 3, in.Ask(pool, &messages.Resize{Size: 3}).(*messages.Resized).To)
		time.Sleep(time.Hour)
		assert.Equal(t, 3, in.Stats(t, pool).Size)
	})
}
