package actors_test

import (
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
)

// Proto.Actor sends a ReceiveTimeout on a goroutine of its own, through the sender middleware
// of the worker. The race detector sees whether that touches the task in hand.
func TestAReceiveTimeoutLeavesTheTaskInHandAlone(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root, timeouts := pooltest.System().Root, make(chan struct{}, 1)
		pool := root.Spawn(actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				switch ctx.Message().(type) {
				case string:
					ctx.SetReceiveTimeout(time.Millisecond)
				case *actor.ReceiveTimeout:
					timeouts <- struct{}{}
				}
			})
		}, actors.WithSize(1)))
		for range 20 {
			root.Send(pool, "hello")
			<-timeouts
		}
		root.Stop(pool)
	})
}
