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

// Tell sends a message, with the middleware of the system's root context.
func (d Deliverer) Tell(to *actor.PID, message any) {
	defer d.Survive("receiver", to)
	if _, isActor := d.process(to).(*actor.ActorProcess); isActor {
		d.System.Root.Send(to, message)
		return
	}
	d.tellApart(to, message)
}

// tellApart sends a message to what is no actor and may run code of the user's there and
// then, such as the dead letters.
func (d Deliverer) tellApart(to *actor.PID, message any) {
	d.Run("receiver", to, func() { d.System.Root.Send(to, message) })
}

// TellSystem sends a message of the actor system.
func (d Deliverer) TellSystem(to *actor.PID, message any) {
	defer d.Survive("receiver", to)
	process := d.process(to)
	if _, isActor := process.(*actor.ActorProcess); isActor {
		process.SendSystemMessage(to, message)
		return
	}
	d.Run("receiver", to, func() { process.SendSystemMessage(to, message) })
}

// process returns the process of a PID: that of the dead letters if it has none.
func (d Deliverer) process(to *actor.PID) actor.Process {
	process, _ := d.System.ProcessRegistry.Get(to)
	return process
}

// DeadLetter gives up a message that nobody will get.
func (d Deliverer) DeadLetter(to *actor.PID, message any) {
	d.Run("dead letter subscriber", to, func() { d.System.DeadLetter.SendUserMessage(to, message) })
}

// Publish publishes an event.
func (d Deliverer) Publish(event any) {
	Apart(func() { d.PublishHere(event) })
}

// PublishHere publishes an event on the caller's goroutine, which a subscriber may end.
func (d Deliverer) PublishHere(event any) {
	defer d.Survive("event subscriber", nil)
	d.System.EventStream.Publish(event)
}

// Run runs f, which may panic or end its goroutine, and waits for it. who and to say in
// the log whose code it was.
func (d Deliverer) Run(who string, to *actor.PID, f func()) {
	Apart(func() {
		defer d.Survive(who, to)
		f()
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

// GoOn runs f. If f ends its goroutine, GoOn runs f again on another one.
func GoOn(f func()) {
	done := false
	defer func() {
		if !done {
			go GoOn(f)
		}
	}()
	f()
	done = true
}

// Survive recovers from a panic of the user's code; it is to be deferred. who and to say
// in the log whose code it was.
func (d Deliverer) Survive(who string, to *actor.PID) {
	if value := recover(); value != nil {
		d.Logger.Error(who+" panicked", "to", to, "panic", value)
	}
}
