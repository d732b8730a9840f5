package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// A shop processes orders.
type shop struct {
	system *actor.ActorSystem
	client *client
	meter  *meter
	orders *actors.Pool[order, struct{}]
	steps  *actors.Pool[step, struct{}]
}

// openShop starts the pools of a shop that calls the services at an address.
func openShop(url string) (*shop, error) {
	s := &shop{
		system: actor.NewActorSystem(actor.WithLoggerFactory(quiet)),
		client: &client{url: url},
		meter:  newMeter(),
	}
	var err error
	if s.steps, err = actors.NewPool(s.system.Root, s.client.do,
		actors.WithName("steps"),
		actors.WithSize(16),
		actors.WithTaskTimeout(lastOrders),
		actors.WithRetry(actors.Retry{Attempts: 4, Min: 4 * time.Millisecond, Max: time.Second, Jitter: 0.2}),
		actors.WithMiddleware(s.meter.measure),
	); err == nil {
		s.orders, err = actors.NewPool(s.system.Root, s.process,
			actors.WithName("orders"),
			actors.WithSize(5),
		)
	}
	if err != nil {
		s.system.Shutdown()
		return nil, err
	}
	return s, nil
}

// close ends the pools at once. It is a no-op for those that have been stopped.
func (s *shop) close() {
	s.orders.Close()
	s.steps.Close()
	s.system.Shutdown()
	s.client.http.CloseIdleConnections()
}

// process is the handler of the pool of orders. It reserves the piece and charges the card at
// the same time, and then ships. The first step that fails cancels the others, and so does the
// end of ctx: the deadline of the order, or a customer who has gone.
func (s *shop) process(ctx context.Context, o order) (struct{}, error) {
	group := s.steps.Group(ctx, actors.FailFast())
	for _, names := range [][]string{{"reserve", "charge"}, {"ship"}} {
		for _, name := range names {
			if err := group.Submit(step{name, o}, actors.ID(o.id()+"/"+name)); err != nil {
				return struct{}{}, err
			}
		}
		if err := group.Wait(); err != nil {
			return struct{}{}, err
		}
	}
	return struct{}{}, nil
}

// A sale is what became of an order.
type sale struct {
	order    order
	outcome  messages.Outcome
	attempts int   // of the order; 0 if it was not begun
	err      error // nil if it was shipped
	undo     error // why it could not be undone
}

// sell places the order of a customer and waits until it is settled. The outcome of the task
// decides, whatever its handler has seen: an order that has not succeeded is undone.
func (s *shop) sell(customer context.Context, o order) sale {
	future, err := s.orders.Submit(customer, o,
		actors.ID(o.id()), actors.Timeout(o.within), actors.CancelWithContext())
	if err != nil {
		return sale{order: o, outcome: messages.Rejected, err: err}
	}
	_, err = future.Wait(context.WithoutCancel(customer))
	result, _ := future.Result() // is there, since Wait has returned
	sold := sale{order: o, outcome: result.Outcome, attempts: result.Attempts, err: err}
	if err != nil && result.Attempts > 0 {
		_, sold.undo = s.steps.Ask(context.WithoutCancel(customer), step{"undo", o})
	}
	return sold
}

// quiet keeps the log of an actor system off the terminal.
func quiet(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
