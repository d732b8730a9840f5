package actors_test

import (
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

// A crashingMailbox panics when it is told "crash".
type crashingMailbox struct{ actor.Mailbox }

func (m crashingMailbox) PostUserMessage(message any) {
	if actor.UnwrapEnvelopeMessage(message) == "crash" {
		panic("the mailbox has crashed")
	}
	m.Mailbox.PostUserMessage(message)
}

func TestAMailboxThatPanicsCostsTheRouteeOneTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		routee := pooltest.Spawn(t, system.Root, actor.PropsFromFunc(func(actor.Context) {},
			actor.WithMailbox(func() actor.Mailbox { return crashingMailbox{actor.Unbounded()()} })))
		pool := pooltest.Spawn(t, system.Root, actors.PropsFromRoutees([]*actor.PID{routee}, actors.WithDispatch(pooltest.Dispatches()[1])))
		inbox := pooltest.NewInbox(t, system.Root)
		inbox.Request(pool, "a task that waits for its answer")
		synctest.Wait()

		system.Root.Send(pool, "crash")
		answer := inbox.Result(t, pool, "crash")
		crash := new(messages.PanicError)
		require.ErrorAs(t, answer.Err, &crash)
		assert.Equal(t, messages.Panicked, answer.Outcome)
		synctest.Wait()
		stats := inbox.Stats(t, pool)
		assert.EqualValues(t, 2, stats.Panicked)
		assert.EqualValues(t, 1, stats.Running, "the other task waits on")
		assert.Zero(t, stats.Restarts)
	})
}

func TestAPoisonPillForRouteesIsDoneWhenItIsForwarded(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		routee := system.Root.Spawn(actor.PropsFromFunc(func(actor.Context) {}))
		pool := pooltest.Spawn(t, system.Root, actors.PropsFromRoutees([]*actor.PID{routee}))
		inbox := pooltest.NewInbox(t, system.Root)
		inbox.Request(pool, &messages.Broadcast{Message: &actor.PoisonPill{}})
		assert.True(t, inbox.Empty())
		stats := inbox.Stats(t, pool)
		assert.EqualValues(t, 1, stats.Succeeded)
		assert.Zero(t, stats.Size, "the routee has stopped")
	})
}
