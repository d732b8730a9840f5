package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"

	"github.com/troupe-go/troupe/messages"
)

const numGateways = 3

// A shop is the actor that is the parent of all others.
type shop struct {
	services
	books   *books
	orders  []*order
	ledger  *ledger // of the customers
	clerks  *actor.PID
	tellAll *actor.PID // the pool that tells all depots
	// successors has, by the IDs of depots and gateways, what to do when one has died.
	successors map[string]func(actor.Context)
	customers  *actor.PID
	stats      map[string]*messages.Stats // of the pools, by name, when all orders are settled
	closed     chan<- map[string]*messages.Stats
}

// poolNames are in the order of the table.
func poolNames() []string { return []string{"clerks", "prices", "depots", "payments", "carriers"} }

// Receive implements actor.Actor.
func (s *shop) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		s.open(ctx)
	case *actor.Terminated: // a parent is told of its children
		if succeed := s.successors[msg.Who.Id]; succeed != nil {
			delete(s.successors, msg.Who.Id)
			succeed(ctx)
		}
	case *actor.Stopping:
		clear(s.successors)
	case *closeDoor:
		ctx.Forward(s.customers)
	case *served:
		s.count(ctx)
	case *messages.Stats:
		s.enter(msg)
	}
}

// open starts depots and gateways, the pools, and at last the customers.
func (s *shop) open(ctx actor.Context) {
	var depots, gateways []*actor.PID
	for _, name := range depotNames() {
		depots = append(depots, s.newDepot(ctx, name))
	}
	for range numGateways {
		gateways = append(gateways, s.newGateway(ctx))
	}
	s.depots = spawn(ctx, finders(depots), "depots")
	s.tellAll = spawn(ctx, announcements(depots), "announcements")
	s.payments = spawn(ctx, payments(gateways), "payments")
	s.carriers = spawn(ctx, carriers(s.books), "carriers")
	s.clerks = spawn(ctx, clerks(s.services), "clerks")
	s.customers = spawn(ctx, actor.PropsFromProducer(func() actor.Actor {
		return &customers{clerks: s.clerks, depots: s.tellAll, line: s.orders, ledger: s.ledger}
	}), "customers")
}

// newDepot starts an actor for a depot. The pools notice themselves when they have lost a
// routee, but they must be told of its successor.
func (s *shop) newDepot(ctx actor.Context, name string) *actor.PID {
	pid := ctx.SpawnPrefix(actor.PropsFromProducer(func() actor.Actor { return &depot{name: name, books: s.books} }), name)
	s.successors[pid.Id] = func(ctx actor.Context) {
		add := &protorouter.AddRoutee{PID: s.newDepot(ctx, name)}
		ctx.Send(s.depots, add)
		ctx.Send(s.tellAll, add)
	}
	return pid
}

func (s *shop) newGateway(ctx actor.Context) *actor.PID {
	pid := ctx.SpawnPrefix(actor.PropsFromProducer(func() actor.Actor {
		return &gateway{books: s.books, pending: make(map[int]pendingCharge)}
	}), "gateway")
	s.successors[pid.Id] = func(ctx actor.Context) {
		ctx.Send(s.payments, &protorouter.AddRoutee{PID: s.newGateway(ctx)})
	}
	return pid
}

// count asks all pools for their statistics.
func (s *shop) count(ctx actor.Context) {
	for _, pool := range []*actor.PID{s.clerks, s.prices.pool.PID(), s.depots, s.payments, s.carriers} {
		ctx.Request(pool, &messages.GetStats{})
	}
}

// enter keeps the statistics of a pool. When it has all, the shop may close.
func (s *shop) enter(stats *messages.Stats) {
	if s.stats[stats.Pool] = stats; len(s.stats) == len(poolNames()) {
		s.closed <- s.stats
		s.closed = nil
	}
}

func spawn(ctx actor.SpawnerContext, props *actor.Props, name string) *actor.PID {
	pid, err := ctx.SpawnNamed(props, name)
	if err != nil {
		panic(err) // the name is in use: the shop itself is wrong
	}
	return pid
}

// run opens the shop, serves the customers and closes. The end of ctx closes the door. The error
// says what does not add up.
func run(ctx context.Context, w io.Writer, orders int) error {
	if orders < 1 {
		return fmt.Errorf("%d orders: want at least 1", orders)
	}
	line := make([]*order, orders)
	for i := range line {
		line[i] = newOrder(i, orders)
	}
	system := actor.NewActorSystem(actor.WithLoggerFactory(quiet))
	defer system.Shutdown()
	fmt.Fprintf(w, "The shop is open. There are %d customers at the door. Ctrl-C closes it.\n\n", orders)
	d, err := serve(ctx, system, w, line)
	if err != nil {
		return err
	}
	fmt.Fprint(w, "\nThe shop is closed.\n\n")
	d.print(w)
	if err := d.check(); err != nil {
		return err
	}
	s := d.books.sums()
	fmt.Fprintf(w, "\nThe books balance: %d orders sold, paid and sent, for %s.\n", s.paid, money(s.cents))
	return nil
}

// serve runs the shop until all customers have their answers, and then closes the books.
func serve(ctx context.Context, system *actor.ActorSystem, w io.Writer, line []*order) (*day, error) {
	prices, err := openPrices(system.Root)
	if err != nil {
		return nil, err
	}
	defer prices.pool.Close()
	d, closed := &day{books: newBooks(), ledger: newLedger()}, make(chan map[string]*messages.Stats, 1)
	endReport := report(system, w)
	pid := spawn(system.Root, actor.PropsFromProducer(func() actor.Actor {
		return &shop{
			services: services{prices: prices}, books: d.books, orders: line, ledger: d.ledger, closed: closed,
			successors: make(map[string]func(actor.Context)),
			stats:      make(map[string]*messages.Stats),
		}
	}), "shop")
	stop := context.AfterFunc(ctx, func() { system.Root.Send(pid, &closeDoor{}) })
	defer stop()
	d.pools = <-closed
	endReport() // from now on, actors stop because the shop closes
	if err := system.Root.StopFuture(pid).Wait(); err != nil {
		return nil, err
	}
	d.lookUp = time.Duration(prices.longest.Load())
	d.books.void(d.ledger.sold())
	return d, nil
}

// quiet keeps the log of an actor system off the terminal.
func quiet(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
