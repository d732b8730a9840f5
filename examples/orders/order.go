package main

import (
	"errors"
	"strconv"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// Why an order fails. No further attempt would help: the errors name their outcome, so they are
// never retried.
var (
	errNothing     = final(errors.New("nothing ordered"))
	errUnknownItem = final(errors.New("not in the catalog"))
	errDeclined    = final(errors.New("card declined"))
)

// What a single depot or carrier answers. It names no outcome, since another one may do better.
var (
	errOutOfStock = errors.New("out of stock")
	errNoCarrier  = errors.New("no carrier goes there")
)

// errUnreadable is the value of a clerk's panic.
var errUnreadable = errors.New("the note is unreadable")

func final(err error) error { return actors.WithOutcome(messages.Failed, err) }

// An order is a list of items, to be paid with a card and sent.
type order struct {
	number int
	items  []string
	note   string
	card   card
	within time.Duration // the customer waits for so long
}

// A card says how a payment goes.
type card int

const (
	goodCard     card = iota
	declinedCard      // the bank says no
	silentCard        // the bank never answers
	confirmCard       // the bank asks the customer
	unluckyCard       // the gateway breaks down, the first time
)

const (
	unreadable = "\x00" // a note
	overseas   = "overseas"
)

func (o *order) id() string { return "order-" + strconv.Itoa(o.number) }

// catalog has the prices of the items, in cents.
func catalog() map[string]int {
	return map[string]int{"lamp": 29_90, "clock": 49_00, "chair": 120_00, "globe": 89_50}
}

// patience is how long most customers wait, and the shop for a service.
const patience = 30 * time.Second

// newOrder returns an order of a day. What becomes of it follows from its number.
func newOrder(number, ofDay int) *order {
	baskets := [][]string{{"lamp"}, {"clock", "lamp"}, {"chair"}, {"lamp", "lamp"}, {"clock"}}
	o := &order{number: number, items: baskets[number%len(baskets)], within: patience}
	switch {
	case number == ofDay/3:
		o.note = unreadable
	case number == ofDay/2:
		o.card = unluckyCard
	case number%50 == 13:
		o.items = nil
	case number%25 == 7:
		o.items = []string{"lamp", "unicorn"}
	case number%10 == 3:
		o.items = []string{"globe"}
	case number%40 == 22:
		o.note = overseas
	case number%17 == 8:
		o.card = declinedCard
	case number%10 == 5:
		o.card = confirmCard
	case number%60 == 19:
		o.card, o.within = silentCard, 200*time.Millisecond
	}
	return o
}

// wavers reports whether the customer changes his mind when the bank asks him.
func (o *order) wavers() bool { return o.number%20 == 5 }

// A receipt is the answer for an order that was sold.
type receipt struct {
	order *order
	cents int
}
