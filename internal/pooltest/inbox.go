package pooltest

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/messages"
)

// An Inbox is an actor that keeps what it is sent. It watches each actor whose PID it
// is sent.
type Inbox struct {
	PID  *actor.PID
	Mail chan any // what it has been sent, without what Proto.Actor tells each actor about its own life

	root *actor.RootContext
}

// NewInbox starts an inbox and stops it at the end of the test.
func NewInbox(t *testing.T, root *actor.RootContext) *Inbox {
	t.Helper()
	in := &Inbox{root: root, Mail: make(chan any, 4096)}
	in.PID = Spawn(t, root, actor.PropsFromFunc(func(ctx actor.Context) {
		switch msg := ctx.Message().(type) {
		case *actor.Started, *actor.Stopping, *actor.Stopped:
		case *actor.PID:
			ctx.Watch(msg)
		default:
			in.Mail <- msg
		}
	}))
	return in
}

// Request sends a message with the inbox as its sender.
func (in *Inbox) Request(to *actor.PID, message any) {
	in.root.RequestWithCustomSender(to, message, in.PID)
}

// Ask sends a message and returns the next one that arrives.
func (in *Inbox) Ask(to *actor.PID, message any) any {
	in.Request(to, message)
	return <-in.Mail
}

// Result sends a message and returns the result that arrives next.
func (in *Inbox) Result(t *testing.T, to *actor.PID, message any) *messages.Result {
	t.Helper()
	answer := in.Ask(to, message)
	require.IsType(t, &messages.Result{}, answer)
	return answer.(*messages.Result)
}

// Stats asks a pool for a snapshot, which must be balanced.
func (in *Inbox) Stats(t *testing.T, pool *actor.PID) *messages.Stats {
	t.Helper()
	return Stats(t, in.root.ActorSystem(), pool)
}

// Empty waits until all goroutines of the bubble are idle and reports whether no mail
// is left.
func (in *Inbox) Empty() bool {
	synctest.Wait()
	return len(in.Mail) == 0
}

// Stopped waits for the end of an actor. An actor that had stopped before is no error,
// though Proto.Actor reports it by a dead letter.
func Stopped(f *actor.Future) error {
	if err := f.Wait(); !errors.Is(err, actor.ErrDeadLetter) {
		return err
	}
	return nil
}
