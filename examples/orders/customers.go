package main

import (
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/messages"
)

// customers is the actor that sends the orders. It asks the pool of clerks for room, sends one
// order for each *Room, and asks again. So it is as fast as the clerks, and no order is
// rejected.
type customers struct {
	clerks *actor.PID
	depots *actor.PID // all of them, which put back the items of a failed order
	line   []*order   // those that have not been sent yet
	asks   bool       // for room: the answer has not come yet
	ledger *ledger
}

// Messages to the customers, and from them to the shop.
type (
	closeDoor struct{} // those in the line go home
	askAgain  struct{}
	served    struct{} // all have their answers
)

// Receive implements actor.Actor.
func (c *customers) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started, *askAgain:
		c.ask(ctx)
	case *messages.Room:
		c.order(ctx)
	case *receipt:
		c.ledger.enter(&answer{order: msg.order, receipt: msg})
		c.leave(ctx)
	case *messages.Result:
		c.result(ctx, msg)
	case *confirm:
		c.confirm(ctx, msg.order)
	case *closeDoor:
		c.line = nil
		c.leave(ctx)
	}
}

func (c *customers) ask(ctx actor.Context) {
	c.asks = true
	ctx.Request(c.clerks, &messages.NotifyRoom{})
}

// order sends the next order.
func (c *customers) order(ctx actor.Context) {
	c.asks = false
	if len(c.line) == 0 {
		return
	}
	o := c.line[0]
	c.line = c.line[1:]
	c.ledger.place(o)
	ctx.Request(c.clerks, &messages.Task{ID: o.id(), Payload: o, Timeout: o.within})
	c.ask(ctx)
}

// result is told that an order has not been sold, or that the pool cannot tell when there is
// room.
func (c *customers) result(ctx actor.Context, r *messages.Result) {
	o := c.ledger.orders[r.TaskID]
	switch {
	case o == nil:
		root, self := ctx.ActorSystem().Root, ctx.Self()
		time.AfterFunc(time.Millisecond, func() { root.Send(self, &askAgain{}) })
	case errors.Is(r.Err, messages.ErrQueueFull): // a retry has taken the place
		c.ledger.takeBack(o)
		if c.line = append(c.line, o); !c.asks {
			c.ask(ctx)
		}
	default:
		c.ledger.enter(&answer{order: o, result: r})
		ctx.Send(c.depots, &putBack{number: o.number})
		c.leave(ctx)
	}
}

// confirm answers a gateway that asks on behalf of the bank. Some customers change their minds.
func (c *customers) confirm(ctx actor.Context, o *order) {
	if o.wavers() {
		ctx.Send(c.clerks, &messages.Cancel{ID: o.id()})
		return
	}
	ctx.Respond(&confirmed{number: o.number})
}

// leave tells the shop when the last customer has an answer.
func (c *customers) leave(ctx actor.Context) {
	if len(c.line) == 0 && c.ledger.open() == 0 {
		ctx.Send(ctx.Parent(), &served{})
	}
}
