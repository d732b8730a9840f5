package mailbox_test

import (
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/mailbox"
	"github.com/troupe-go/troupe/internal/pooltest"
)

// reader is an actor that records the strings it reads, and panics at "panic".
type reader struct {
	box  *mailbox.Mailbox
	read []string
}

func (r *reader) Receive(ctx actor.Context) {
	switch message := ctx.Message().(type) {
	case *actor.Stopped:
		r.box.Close()
	case string:
		r.read = append(r.read, message)
		if message == "panic" {
			panic(message)
		}
	}
}

func propsOf(r *reader) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor { return r }, actor.WithMailbox(func() actor.Mailbox { return r.box }))
}

func TestMessagesAreReadInOrderOrHandedBack(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var unread []any
		r := &reader{box: mailbox.New(func(envelope any) { unread = append(unread, envelope) })}
		r.box.PostUserMessage("before the spawn")
		root := pooltest.System().Root
		pid := root.Spawn(propsOf(r))
		for _, text := range []string{"a", "panic", "b"} {
			root.Send(pid, text)
		}
		synctest.Wait()
		assert.Equal(t, []string{"before the spawn", "a", "panic", "b"}, r.read, "the default strategy restarts the actor")
		assert.Zero(t, r.box.UserMessageCount())

		require.NoError(t, root.StopFuture(pid).Wait())
		r.box.PostUserMessage("late")
		assert.Equal(t, []any{"late"}, unread)
	})
}

func TestASuspendedActorReadsNoUserMessages(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var unread []any
		r := &reader{box: mailbox.New(func(envelope any) { unread = append(unread, envelope) })}
		root := pooltest.System().Root
		pid := root.Spawn(propsOf(r))
		r.box.PostSystemMessage(&actor.SuspendMailbox{})
		root.Send(pid, "a")
		synctest.Wait()
		assert.Empty(t, r.read)
		assert.Equal(t, 1, r.box.UserMessageCount())
		r.box.PostSystemMessage(&actor.ResumeMailbox{})
		synctest.Wait()
		assert.Equal(t, []string{"a"}, r.read)

		r.box.PostSystemMessage(&actor.SuspendMailbox{})
		root.Send(pid, "b")
		require.NoError(t, root.StopFuture(pid).Wait())
		assert.Equal(t, []any{"b"}, unread, "it stopped before it was resumed")
	})
}
