package actors_test

import (
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
)

// Proto.Actor itself reacts to these messages in place of an actor. In a pool the actor
// that was added must react, not the worker that stands for it.

func TestAForeignRouteeAnswersATouchOnce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		props, _ := echoes(actors.WithSize(1))
		pool := pooltest.Spawn(t, root, props)
		in, foreign := pooltest.NewInbox(t, root), pooltest.NewInbox(t, root)
		root.Send(pool, &protorouter.AddRoutee{PID: foreign.PID})
		synctest.Wait()
		in.Request(pool, &protorouter.BroadcastMessage{Message: &actor.Touch{}})
		synctest.Wait()
		var touched []string
		for _, mail := range pooltest.Drain(in.Mail) {
			touched = append(touched, mail.(*actor.Touched).Who.Id)
		}
		assert.ElementsMatch(t, []string{foreign.PID.Id, pool.Id + "/supervisor/1"}, touched)
	})
}

func TestAPoisonPillStopsAForeignRoutee(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		props, _ := echoes(actors.WithSize(1))
		pool := pooltest.Spawn(t, root, props)
		in, foreign := pooltest.NewInbox(t, root), pooltest.NewInbox(t, root)
		root.Send(pool, &protorouter.AddRoutee{PID: foreign.PID})
		in.Request(in.PID, foreign.PID) // so that the inbox watches it
		synctest.Wait()
		pooltest.Drain(in.Mail)
		root.Send(pool, &protorouter.BroadcastMessage{Message: &actor.PoisonPill{}})
		synctest.Wait()
		assert.Equal(t, []any{&actor.Terminated{Who: foreign.PID}}, pooltest.Drain(in.Mail))
		assert.Equal(t, 1, in.Stats(t, pool).Size, "its own worker was replaced, and the foreign one has left")
	})
}
