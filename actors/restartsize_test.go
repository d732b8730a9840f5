package actors_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// A restartedPool is a pool of user actors. It escalates failures, and its parent restarts it.
type restartedPool struct {
	*pooltest.Inbox
	t    *testing.T
	root *actor.RootContext
	pid  *actor.PID
}

func startRestarted(t *testing.T, opts ...actors.Option) *restartedPool {
	t.Helper()
	root := pooltest.System().Root
	props := actors.PropsFromProducer(func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			switch msg := ctx.Message().(type) {
			case error:
				panic(msg)
			case time.Duration:
				time.Sleep(msg)
			}
		})
	}, append([]actors.Option{actors.WithSupervision(supervisor.Escalate())}, opts...)...)
	_, pid := pooltest.SpawnUnder(t, root, props, actor.NewOneForOneStrategy(10, 0, func(any) actor.Directive { return actor.RestartDirective }))
	return &restartedPool{pooltest.NewInbox(t, root), t, root, pid}
}

// restart makes a worker fail, and returns the size after the restart.
func (p *restartedPool) restart() int {
	p.t.Helper()
	before := p.routees()
	p.root.Send(p.pid, pooltest.ErrTask)
	synctest.Wait()
	after := p.routees()
	if len(before) > 0 {
		assert.NotEqual(p.t, before[0].Id, after[0].Id, "it has been restarted")
	}
	stats := p.Stats(p.t, p.pid)
	assert.Equal(p.t, len(after), stats.Size)
	assert.Zero(p.t, stats.Lost)
	return stats.Size
}

// post sends the pool a message of the actor system, as its parent does.
func (p *restartedPool) post(message any) {
	process, _ := p.root.ActorSystem().ProcessRegistry.GetLocal(p.pid.Id)
	process.SendSystemMessage(p.pid, message)
	synctest.Wait()
}

func (p *restartedPool) routees() []*actor.PID {
	return p.Ask(p.pid, &protorouter.GetRoutees{}).(*protorouter.Routees).PIDs
}

func (p *restartedPool) resize(size int) {
	p.t.Helper()
	require.IsType(p.t, &messages.Resized{}, p.Ask(p.pid, &messages.Resize{Size: size}))
}

func TestAPoolThatIsRestartedHasTheSizeItHad(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := startRestarted(t, actors.WithSize(2))
		assert.Equal(t, 2, pool.restart())
		pool.resize(5)
		assert.Equal(t, 5, pool.restart())
		assert.Equal(t, 5, pool.restart(), "also after the next restart")
		pool.resize(1)
		assert.Equal(t, 1, pool.restart())
		pool.root.Send(pool.pid, &protorouter.AdjustPoolSize{Change: 3})
		pool.root.Send(pool.pid, &protorouter.RemoveRoutee{PID: pool.routees()[0]})
		assert.Equal(t, 3, pool.restart())
	})
}

func TestForeignRouteesStayWhenThePoolIsRestarted(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := startRestarted(t, actors.WithSize(1))
		kept, removed := pooltest.NewInbox(t, pool.root), pooltest.NewInbox(t, pool.root)
		for _, foreign := range []*pooltest.Inbox{kept, removed} {
			pool.root.Send(pool.pid, &protorouter.AddRoutee{PID: foreign.PID})
		}
		pool.root.Send(pool.pid, &protorouter.RemoveRoutee{PID: removed.PID})
		require.Len(t, pool.routees(), 2)
		for range 2 {
			pool.post(&actor.Restart{})
			routees := pool.routees()
			require.Len(t, routees, 2)
			assert.Contains(t, routees, kept.PID)
			pool.root.Send(pool.pid, &messages.Broadcast{Message: "all"})
			assert.Equal(t, "all", <-kept.Mail)
			assert.True(t, removed.Empty())
		}
		require.NoError(t, pool.root.StopFuture(kept.PID).Wait())
		synctest.Wait()
		assert.Len(t, pool.routees(), 1, "it is still watched")
		assert.Equal(t, 1, pool.restart())
	})
}

func TestARestartKeepsTheSizeThatAutoscalingFound(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := startRestarted(t, actors.WithAutoscale(supervisor.Autoscale{Min: 1, Max: 4, Every: time.Second, Rule: supervisor.Threshold{}}))
		for range 100 {
			pool.root.Send(pool.pid, time.Second)
		}
		time.Sleep(10 * time.Second)
		size := pool.Stats(t, pool.pid).Size
		require.Greater(t, size, 1)
		pool.post(&actor.Restart{})
		time.Sleep(time.Second + time.Millisecond) // when the last tasks have ended, and before the next check
		assert.Equal(t, size, pool.Stats(t, pool.pid).Size)
		time.Sleep(5 * time.Minute)
		assert.Equal(t, 1, pool.Stats(t, pool.pid).Size, "it is still autoscaled")
	})
}

// The pool has used up its restarts when the parent restarts it.
func TestARestartMakesUpForLostWorkers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := startRestarted(t, actors.WithSize(2), actors.WithSupervision(supervisor.OneForOne(supervisor.Restarts(0, 0))))
		pool.resize(3)
		for _, size := range []int{2, 1, 3} {
			pool.root.Send(pool.pid, pooltest.ErrTask)
			synctest.Wait()
			stats := pool.Stats(t, pool.pid)
			assert.Equal(t, [2]int{size, 3 - size}, [2]int{stats.Size, stats.Lost})
		}
	})
}
