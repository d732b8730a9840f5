package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/troupe-go/troupe/messages"
)

// A fate is a line of the ledger.
type fate string

const (
	shipped     fate = "shipped"
	outOfStock  fate = "out of stock"
	declined    fate = "card declined"
	unavailable fate = "service unavailable, also when asked again"
	late        fate = "deadline missed"
	left        fate = "canceled by the customer"
	dropped     fate = "dropped at closing time"
	turnedAway  fate = "turned away: the shop was closed"
)

var fates = []fate{shipped, outOfStock, declined, unavailable, late, left, dropped, turnedAway}

// fateOf returns the line for a sale.
func fateOf(s sale) fate {
	switch s.outcome {
	case messages.Succeeded:
		return shipped
	case messages.TimedOut:
		return late
	case messages.Canceled:
		return left
	case messages.Dropped:
		return dropped
	case messages.Rejected:
		return turnedAway
	}
	switch {
	case errors.Is(s.err, errOutOfStock):
		return outOfStock
	case errors.Is(s.err, errDeclined):
		return declined
	}
	return unavailable
}

// A ledger counts the orders of a day.
type ledger struct {
	placed int
	counts map[fate]int
	cents  int // for what was shipped
	undone int // orders that were begun, and undone
	stuck  []sale
}

// newLedger counts the sales. It ends with the channel.
func newLedger(placed int, sales <-chan sale) *ledger {
	l := &ledger{placed: placed, counts: make(map[fate]int)}
	for s := range sales {
		l.counts[fateOf(s)]++
		switch {
		case s.outcome == messages.Succeeded:
			l.cents += s.order.price
		case s.undo != nil:
			l.stuck = append(l.stuck, s)
		case s.attempts > 0:
			l.undone++
		}
	}
	return l
}

// print prints a line for each fate, and the sum.
func (l *ledger) print(w io.Writer) {
	for _, fate := range fates {
		fmt.Fprintf(w, "%6d  %s\n", l.counts[fate], fate)
	}
	fmt.Fprintf(w, "%6d  orders; %d were begun in vain and undone\n", l.sum(), l.undone)
	for _, s := range l.stuck {
		fmt.Fprintf(w, "%s could not be undone: %v\n", s.order.id(), s.undo)
	}
}

func (l *ledger) sum() (n int) {
	for _, count := range l.counts {
		n += count
	}
	return n
}

// check compares the ledger with the statistics of the pool and the books of the services, and
// prints both. The error says where they differ.
func (l *ledger) check(w io.Writer, s *messages.Stats, b books) error {
	fmt.Fprintf(w, "pool:     %d accepted = %d succeeded + %d failed + %d timed out + %d canceled + %d dropped\n",
		s.Submitted, s.Succeeded, s.Failed, s.TimedOut, s.Canceled, s.Dropped)
	fmt.Fprintf(w, "services: %d pieces taken, %d cards charged, %d parcels sent, %s received\n",
		b.reserved, b.paid, b.shipped, money(b.cents))
	failed := l.counts[outOfStock] + l.counts[declined] + l.counts[unavailable]
	n := l.counts[shipped]
	for _, line := range []struct {
		what      string
		want, got int
	}{
		{"customers", l.placed, l.sum()},
		{"accepted orders", l.sum() - l.counts[turnedAway], int(s.Submitted)},
		{"succeeded", n, int(s.Succeeded)},
		{"failed", failed, int(s.Failed)},
		{"timed out", l.counts[late], int(s.TimedOut)},
		{"canceled", l.counts[left], int(s.Canceled)},
		{"dropped", l.counts[dropped], int(s.Dropped)},
		{"pieces", n, b.reserved},
		{"cards", n, b.paid},
		{"parcels", n, b.shipped},
		{"cents", l.cents, b.cents},
	} {
		if line.want != line.got {
			return fmt.Errorf("the books do not balance: %s: %d, want %d", line.what, line.got, line.want)
		}
	}
	fmt.Fprintf(w, "The books balance: %d orders for %s.\n", n, money(l.cents))
	return nil
}

func money(cents int) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }
