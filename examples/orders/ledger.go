package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/troupe-go/troupe/messages"
)

// A fate is a line of the ledger.
type fate string

const (
	sold       fate = "sold"
	outOfStock fate = "out of stock"
	unknown    fate = "not in the catalog"
	nothing    fate = "nothing ordered"
	declined   fate = "card declined"
	noCarrier  fate = "no carrier goes there"
	canceled   fate = "canceled by the customer"
	late       fate = "too late for the customer"
	unread     fate = "note unreadable"
	lost       fate = "lost with a clerk or a service"
)

func fates() []fate {
	return []fate{sold, outOfStock, unknown, nothing, declined, noCarrier, canceled, late, unread, lost}
}

// An answer is the receipt for an order, or else the result of its task.
type answer struct {
	order   *order
	receipt *receipt
	result  *messages.Result
}

func (a *answer) outcome() messages.Outcome {
	if a.receipt != nil {
		return messages.Succeeded
	}
	return a.result.Outcome
}

// fate returns the line for an answer.
func (a *answer) fate() fate {
	if a.receipt != nil {
		return sold
	}
	for why, fate := range map[error]fate{
		errOutOfStock: outOfStock, errUnknownItem: unknown, errNothing: nothing, errDeclined: declined,
		errNoCarrier: noCarrier, messages.ErrTaskTimeout: late, errUnreadable: unread,
	} {
		if errors.Is(a.result.Err, why) {
			return fate
		}
	}
	if errors.Is(a.result.Err, messages.ErrCanceled) && a.order.wavers() {
		return canceled
	}
	return lost
}

// A ledger has the orders that were placed, and their answers. The customers write into it until
// they have stopped.
type ledger struct {
	orders  map[string]*order
	answers map[int]*answer // by the numbers of the orders
	excess  int             // answers for orders that had one already
}

func newLedger() *ledger {
	return &ledger{orders: make(map[string]*order), answers: make(map[int]*answer)}
}

func (l *ledger) place(o *order)    { l.orders[o.id()] = o }
func (l *ledger) takeBack(o *order) { delete(l.orders, o.id()) }

// open returns how many orders have no answer yet.
func (l *ledger) open() int { return len(l.orders) - len(l.answers) }

func (l *ledger) enter(a *answer) {
	if l.answers[a.order.number] != nil {
		l.excess++
		return
	}
	l.answers[a.order.number] = a
}

// sold returns the receipts.
func (l *ledger) sold() map[int]*receipt {
	receipts := make(map[int]*receipt)
	for number, a := range l.answers {
		if a.receipt != nil {
			receipts[number] = a.receipt
		}
	}
	return receipts
}

// A day sums up a shop that has closed.
type day struct {
	books  *books
	ledger *ledger
	pools  map[string]*messages.Stats // by name
	lookUp time.Duration              // the longest look-up of a price
}

// print prints a line for each fate, and a line for each pool.
func (d *day) print(w io.Writer) {
	counts := make(map[fate]int)
	for _, a := range d.ledger.answers {
		counts[a.fate()]++
	}
	for _, fate := range fates() {
		if counts[fate] > 0 || fate != lost {
			fmt.Fprintf(w, "%6d  %s\n", counts[fate], fate)
		}
	}
	fmt.Fprintf(w, "%6d  orders\n\n", len(d.ledger.orders))
	fmt.Fprintf(w, "  %-9s %8s %9s %7s %9s %9s %9s %8s %7s\n",
		"pool", "accepted", "succeeded", "failed", "panicked", "timed out", "canceled", "retries", "copies")
	for _, name := range poolNames() {
		s := d.pools[name]
		fmt.Fprintf(w, "  %-9s %8d %9d %7d %9d %9d %9d %8d %7d\n",
			name, s.Submitted, s.Succeeded, s.Failed, s.Panicked, s.TimedOut, s.Canceled, s.Retries, s.Copies)
	}
	fmt.Fprintf(w, "\nThe longest price look-up took %v. Without hedges, every 20th would take %v.\n",
		d.lookUp.Round(time.Millisecond), slowTime)
}

// check compares the answers with the ledger of the pool of clerks, and with the books of the
// services. The error says where they differ.
func (d *day) check() error {
	l, clerks, s := d.ledger, d.pools["clerks"], d.books.sums()
	outcomes, cents := make(map[messages.Outcome]int), 0
	for _, a := range l.answers {
		outcomes[a.outcome()]++
		if a.receipt != nil {
			cents += a.receipt.cents
		}
	}
	accepted, n := len(l.orders)-outcomes[messages.Rejected], outcomes[messages.Succeeded]
	for _, line := range []struct {
		what      string
		want, got int
	}{
		{"answers", len(l.orders), len(l.answers)},
		{"second answers", 0, l.excess},
		{"accepted orders", accepted, int(clerks.Submitted)},
		{"sold orders", n, int(clerks.Succeeded)},
		{"failed orders", outcomes[messages.Failed], int(clerks.Failed)},
		{"orders whose clerk panicked", outcomes[messages.Panicked], int(clerks.Panicked)},
		{"late orders", outcomes[messages.TimedOut], int(clerks.TimedOut)},
		{"canceled orders", outcomes[messages.Canceled], int(clerks.Canceled)},
		{"dropped orders", outcomes[messages.Dropped], int(clerks.Dropped)},
		{"orders laid aside", n, s.reserved},
		{"pieces that have left the shelves", s.aside, s.taken},
		{"payments", n, s.paid},
		{"parcels", n, s.parcels},
		{"cents", cents, s.cents},
	} {
		if line.want != line.got {
			return fmt.Errorf("the books do not balance: %s: %d, want %d", line.what, line.got, line.want)
		}
	}
	for _, pool := range d.pools {
		if !pool.Balanced() {
			return fmt.Errorf("the ledger of pool %s does not balance: %+v", pool.Pool, pool)
		}
	}
	return nil
}

func money(cents int) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }
