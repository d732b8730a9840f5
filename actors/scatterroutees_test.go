package actors_test

import (
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/router"
)

// However many tasks there are, the only routee that can do them has a copy of each.
func TestAScatteredTaskFailsOnlyIfAllRouteesFail(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		routee := func(answer any) *actor.PID {
			return pooltest.Spawn(t, root, actor.PropsFromFunc(func(ctx actor.Context) {
				if _, is := ctx.Message().(int); is {
					time.Sleep(time.Millisecond)
					ctx.Respond(answer)
				}
			}))
		}
		routees := []*actor.PID{routee(pooltest.ErrTask), routee("yes"), routee(pooltest.ErrTask)}
		pool := pooltest.Spawn(t, root, actors.PropsFromRoutees(routees,
			actors.WithDispatch(router.ScatterGather(time.Minute)), actors.WithErrorResponses()))
		in := pooltest.NewInbox(t, root)
		const tasks = 200
		for i := range tasks {
			in.Request(pool, i)
			if i%3 == 0 {
				time.Sleep(time.Duration(i%7) * 300 * time.Microsecond)
			}
		}
		answers := make(map[any]int)
		for range tasks {
			answers[<-in.Mail]++
		}
		assert.Equal(t, map[any]int{"yes": tasks}, answers)
	})
}

// The routees answer at the same time.
func TestASenderHasOneAnswerHoweverManyRouteesGiveOne(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pids := spawnRoutees(t, root, 4, func(ctx actor.Context) {
			if _, is := ctx.Message().(int); is {
				ctx.Respond("yes")
			}
		})
		r := startRoutees(t, root, pids, actors.WithDispatch(router.ScatterGather(time.Minute)))
		for i := range 2_000 {
			r.in.Request(r.pool, i)
			assert.Equal(t, "yes", <-r.in.Mail)
		}
		assert.True(t, r.in.Empty())
	})
}
