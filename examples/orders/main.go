// Orders is a day in the life of a shop: a program of actors with five pools. Run it:
//
//	go run ./examples/orders [-orders n]
//
// Each file is one actor, or one pool. Read them in this order:
//
//   - shop.go is the parent of all. It opens the pools, replaces what has died, and closes.
//   - customers.go sends the orders. It asks the pool of clerks for room (NotifyRoom) before
//     it sends one, so it never floods it. A customer who changes his mind cancels his order
//     by its ID (Cancel).
//   - clerk.go has the workers, which are actors. A clerk asks the other pools and holds the
//     order meanwhile (Hold), up to eight at a time. An order without items it fails (Fail).
//     If it panics, other clerks take over its orders (Retry.Elsewhere).
//   - prices.go is a typed pool. The prices of an order are a group. A slow look-up is hedged.
//   - depots.go has actors of their own, which the pool does not own (PropsFromRoutees). All
//     are asked for the items, and the first one that has them counts (ScatterGather). What is
//     put back is announced to all (Broadcast).
//   - gateways.go has the payment gateways, which may die. Then the pool gives what they had
//     in hand to others. Their errors are answers (WithErrorResponses).
//   - carriers.go asks one carrier after another to take a parcel (TailChopping).
//   - incidents.go subscribes to the events of all pools (Subscribe) and prints a line for
//     each incident.
//   - books.go is what the services have written down. All steps are idempotent.
//   - ledger.go adds up: every order has one answer, the pools' ledgers agree, and what was
//     paid and sent is what was sold.
//
// Interrupt (Ctrl-C) to close the shop early. The exit status is 0, or 1 if something does not
// add up.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	orders := flag.Int("orders", 500, "how many `orders` there are")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the program
	err := run(ctx, os.Stdout, *orders)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "orders:", err)
		os.Exit(1)
	}
}
