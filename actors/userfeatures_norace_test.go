//go:build !race

package actors_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
)

// calm is a message that does not influence the receive timeout.
type calm struct{}

func (calm) NotInfluenceReceiveTimeout() {}

// Proto.Actor's timer of the receive timeout has a data race with a message that does not
// stop it, also in a plain actor.
func TestAMessageNeedNotInfluenceTheReceiveTimeout(t *testing.T) {
	seen := sameAsAPlainActor(t, func(th *theater) actor.Actor {
		begun := time.Now()
		return actor.ReceiveFunc(func(ctx actor.Context) {
			at := time.Since(begun)
			switch ctx.Message().(type) {
			case *actor.Started:
				ctx.SetReceiveTimeout(time.Second)
			case calm:
				th.note("%v: calm", at)
			case *actor.ReceiveTimeout:
				th.note("%v: timeout", at)
			}
		})
	}, func(th *theater) {
		time.Sleep(600 * time.Millisecond)
		th.tell(calm{})
		time.Sleep(time.Minute)
		synctest.Wait()
	})
	assert.Equal(t, []string{"600ms: calm", "1s: timeout"}, seen)
}
