package main

import (
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// errBusy is the answer of a gateway that has too much to do.
var errBusy = errors.New("gateway busy")

// A gateway is an actor that asks the bank. It does not wait for what takes long: it may have
// many payments in hand. It may die at any time, and does not know whether its answer arrived.
type gateway struct {
	books   *books
	pending map[int]pendingCharge // by order: the customer is asked
}

type pendingCharge struct {
	*charge
	sender *actor.PID
}

// What a gateway is asked, and what it asks a customer. Its answer is a *paid or an error.
type (
	charge struct {
		order    *order
		cents    int
		customer *actor.PID
	}
	paid      struct{ number int }
	confirm   struct{ order *order }
	confirmed struct{ number int }
)

// Receive implements actor.Actor.
func (g *gateway) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *messages.Task:
		g.charge(ctx, msg.Payload.(*charge))
	case *confirmed:
		if c, is := g.pending[msg.number]; is {
			delete(g.pending, msg.number)
			g.books.pay(c.order, c.cents)
			ctx.Send(c.sender, &paid{number: msg.number})
		}
	}
}

func (g *gateway) charge(ctx actor.Context, c *charge) {
	time.Sleep(3 * time.Millisecond)
	asked := g.books.asked(c.order)
	switch {
	case c.order.card == unluckyCard && asked == 1:
		ctx.Stop(ctx.Self())
	case c.order.number%9 == 4 && asked == 1:
		ctx.Respond(errBusy)
	case c.order.card == declinedCard:
		ctx.Respond(errDeclined)
	case c.order.card == silentCard:
	case c.order.card == confirmCard:
		g.pending[c.order.number] = pendingCharge{c, ctx.Sender()}
		ctx.Request(c.customer, &confirm{order: c.order})
	default:
		g.books.pay(c.order, c.cents)
		ctx.Respond(&paid{number: c.order.number})
	}
}

// payments are the props of a pool of gateways. What a gateway fails to do, or has in hand when
// it dies, goes to another one.
func payments(gateways []*actor.PID) *actor.Props {
	return actors.PropsFromRoutees(gateways,
		actors.WithName("payments"),
		actors.WithDispatch(router.RoundRobin()),
		actors.WithTaskTimeout(patience),
		actors.WithErrorResponses(),
		actors.WithRetry(actors.Retry{Attempts: 5, Min: time.Millisecond, Max: 20 * time.Millisecond, Elsewhere: true}),
	)
}
