// Package deliver hands messages to code that is not ours and survives it.
// Proto.Actor runs some receivers on their sender's goroutine: subscribers of
// the EventStream, guardians, routers.
package deliver

import (
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"
)

// A Deliverer hands out messages of one pool. It is safe for concurrent use.
type Deliverer struct {
	System *actor.ActorSystem
	Logger *slog.Logger
}

// Tell sends a message.
func (d Deliverer) Tell(to *actor.PID, message any) {
	defer d.survive("receiver", to)
	d.System.Root.Send(to, message)
}

// TellSystem sends a message of the actor system.
func (d Deliverer) TellSystem(to *actor.PID, message any) {
	defer d.survive("receiver", to)
	process, _ := d.System.ProcessRegistry.Get(to)
	process.SendSystemMessage(to, message)
}

// DeadLetter gives up a message that nobody will get.
func (d Deliverer) DeadLetter(to *actor.PID, message any) {
	Apart(func() {
		defer d.survive("dead letter subscriber", to)
		d.System.DeadLetter.SendUserMessage(to, message)
	})
}

// Publish publishes an event.
func (d Deliverer) Publish(event any) {
	Apart(func() {
		defer d.survive("event subscriber", nil)
		d.System.EventStream.Publish(event)
	})
}

// Respond answers the sender of the actor's message, if it has one.
func Respond(ctx actor.Context, answer any) {
	if ctx.Sender() != nil {
		ctx.Respond(answer)
	}
}

// Apart runs f on a goroutine of its own and waits for it, so that a
// runtime.Goexit in f does not end the caller's. f must not panic.
func Apart(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

func (d Deliverer) survive(who string, to *actor.PID) {
	if value := recover(); value != nil {
		d.Logger.Error(who+" panicked", "to", to, "panic", value)
	}
}
