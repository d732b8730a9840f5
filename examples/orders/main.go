// Orders is the order processing of a shop that closes while orders are waiting. Run it:
//
//	go run ./examples/orders [-orders n] [-pace duration]
//
// The shop's stock, card and parcel services are HTTP servers on this machine, and not all of
// them are reliable. Each order has a deadline, and customers may change their minds.
//
// What to look at:
//
//   - shop.go has two pools. A task of the first is an order. Its handler runs the steps of
//     the order in the second pool, as a group with FailFast: if there is no stock, the card
//     is not charged.
//   - steps.go runs a step. A service that is down is asked again under WithRetry. WithOutcome
//     makes "out of stock" and "card declined" final: no further attempt would help.
//   - shop.go submits orders with the deadline of the order, and with CancelWithContext, so
//     that a customer who goes away cancels the order wherever it is. The future has the
//     outcome of the order, and every order that began and did not succeed is undone.
//   - meter.go is middleware: it sees every attempt of every step.
//   - day.go closes the shop with Finish: orders in hand are finished, those in the queue are
//     dropped, and their customers learn of it. Interrupt (Ctrl-C) to close early.
//   - the summary adds up: every order has one outcome, the pool's statistics agree, and the
//     services have charged and shipped what was sold and nothing else.
//
// The exit status is 0, or 1 if something does not add up.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	var d day
	flag.IntVar(&d.orders, "orders", 300, "how many `orders` there are")
	flag.DurationVar(&d.pace, "pace", 4*time.Millisecond, "the time between two orders")
	flag.Parse()
	if err := d.run(untilSignal(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "orders:", err)
		os.Exit(1)
	}
}

// untilSignal returns a context that ends with the first SIGINT or SIGTERM. From then on,
// signals have their usual effect: the second one ends the program at once.
func untilSignal() context.Context {
	signaled, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, end := context.WithCancel(context.Background())
	context.AfterFunc(signaled, func() {
		stop()
		end()
	})
	return ctx
}
