package main

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/router"
)

// A depot is an actor with stock of its own: it is no worker that the pool could make, but a
// routee.
type depot struct {
	name  string
	books *books
}

// What a depot is asked. The answer is an *offer, a *laidAside, or an error.
type (
	find      struct{ order *order }
	offer     struct{ depot *actor.PID }
	reserve   struct{ order *order }
	laidAside struct{ number int }
	putBack   struct{ number int } // not answered
)

// Receive implements actor.Actor.
func (d *depot) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *find:
		time.Sleep(time.Millisecond)
		if !d.books.has(d.name, msg.order) {
			ctx.Respond(errOutOfStock)
			return
		}
		ctx.Respond(&offer{depot: ctx.Self()})
	case *reserve:
		if !d.books.reserve(d.name, msg.order) {
			ctx.Respond(errOutOfStock)
			return
		}
		ctx.Respond(&laidAside{number: msg.order.number})
	case *putBack:
		d.books.putBack(d.name, msg.number)
	}
}

// finders are the props of a pool that asks all depots. The first that has the items counts. If
// none has them, the attempt fails with the error of the first.
func finders(depots []*actor.PID) *actor.Props {
	return actors.PropsFromRoutees(depots,
		actors.WithName("depots"),
		actors.WithDispatch(router.ScatterGather(patience)),
		actors.WithErrorResponses(),
		actors.WithQueue(1000, actors.Reject),
	)
}

// announcements are the props of a pool that tells all depots.
func announcements(depots []*actor.PID) *actor.Props {
	return actors.PropsFromRoutees(depots,
		actors.WithName("announcements"),
		actors.WithDispatch(router.Broadcast()),
	)
}
