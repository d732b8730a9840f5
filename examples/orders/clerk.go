package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// services are what the clerks need for an order.
type services struct {
	prices                     *prices
	depots, payments, carriers *actor.PID
}

// A clerk is a worker of the pool of clerks. It never waits: it asks, holds the order, and goes
// on with the next one.
type clerk struct{ services services }

// clerks are the props of the pool. If a clerk panics, its order has panicked, and the others
// that it holds are retried. Since all steps are idempotent, they start anew.
func clerks(s services) *actor.Props {
	return actors.PropsFromProducer(func() actor.Actor { return &clerk{services: s} },
		actors.WithName("clerks"),
		actors.WithSize(4),
		actors.WithMaxHeld(8),
		actors.WithQueue(16, actors.Reject),
		actors.WithRetry(actors.Retry{Attempts: 10, Min: time.Millisecond, Max: 50 * time.Millisecond, Elsewhere: true}),
	)
}

// Receive implements actor.Actor.
func (c *clerk) Receive(ctx actor.Context) {
	task, ok := ctx.Message().(*messages.Task)
	if !ok {
		return
	}
	o := task.Payload.(*order)
	switch {
	case o.note == unreadable:
		panic(fmt.Errorf("%s: %w", o.id(), errUnreadable))
	case len(o.items) == 0:
		actors.Fail(ctx, errNothing)
	default:
		s := &sale{services: &c.services, order: o, customer: ctx.Sender(), held: actors.Hold(ctx)}
		s.price(ctx)
	}
}

// A sale is one attempt to sell what was ordered. Its steps run one after another, as
// continuations: in the clerk's actor, when an answer has come.
type sale struct {
	*services
	order    *order
	customer *actor.PID
	held     *actors.Held
	cents    int
}

// price asks a typed pool, which blocks, on a goroutine that passes the answer on to a future.
func (s *sale) price(ctx actor.Context) {
	future := actor.NewFuture(ctx.ActorSystem(), patience)
	root := ctx.ActorSystem().Root
	go func() {
		cents, err := s.prices.total(s.held.Context(), s.order.items)
		if err != nil {
			root.Send(future.PID(), err)
			return
		}
		root.Send(future.PID(), cents)
	}()
	s.await(ctx, future, func(answer any) {
		s.cents = answer.(int)
		s.find(ctx)
	})
}

// find looks for a depot that has the items, and has them laid aside there.
func (s *sale) find(ctx actor.Context) {
	s.await(ctx, ctx.RequestFuture(s.depots, &find{order: s.order}, patience), func(answer any) {
		depot := answer.(*offer).depot
		s.await(ctx, ctx.RequestFuture(depot, &reserve{order: s.order}, patience), func(any) { s.pay(ctx) })
	})
}

// pay asks for the money. If the order ends meanwhile, since the customer cancels it or has no
// more time, the payment ends as well.
func (s *sale) pay(ctx actor.Context) {
	root := ctx.ActorSystem().Root
	stop := context.AfterFunc(s.held.Context(), func() {
		root.Send(s.payments, messages.Cancel{ID: s.order.id()})
	})
	future := ctx.RequestFuture(s.payments, &messages.Task{
		ID:      s.order.id(),
		Payload: &charge{order: s.order, cents: s.cents, customer: s.customer},
	}, patience)
	s.await(ctx, future, func(any) {
		stop()
		s.send(ctx)
	})
}

// send asks for a carrier. Then the order is done.
func (s *sale) send(ctx actor.Context) {
	s.await(ctx, ctx.RequestFuture(s.carriers, &parcel{order: s.order}, patience), func(any) { s.deliver(ctx) })
}

// deliver ends the order. Its customer gets the receipt only if that has counted: the cause is
// another one if somebody else has ended the order before.
func (s *sale) deliver(ctx actor.Context) {
	s.held.Done(nil)
	if context.Cause(s.held.Context()) == context.Canceled { //nolint:errorlint // it is this very error
		ctx.Respond(&receipt{order: s.order, cents: s.cents})
	}
}

// await continues the sale with an answer, or ends the attempt with an error. It does neither
// if the order has ended meanwhile.
func (s *sale) await(ctx actor.Context, future *actor.Future, next func(answer any)) {
	ctx.ReenterAfter(future, func(answer any, err error) {
		if s.held.Context().Err() != nil {
			return
		}
		if result, is := answer.(*messages.Result); is {
			answer, err = result.Value, result.Err
		}
		if failure, is := answer.(error); is {
			err = failure
		}
		switch {
		case errors.Is(err, errOutOfStock), errors.Is(err, errNoCarrier): // none of them could help
			s.held.Done(final(err))
		case err != nil:
			s.held.Done(err)
		default:
			next(answer)
		}
	})
}
