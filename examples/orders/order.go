package main

import (
	"strconv"
	"time"
)

// An order is one piece of an item, to be paid with a card and sent.
type order struct {
	number int
	item   string
	price  int // cents
	card   string
	within time.Duration // the deadline, from the moment it is placed
}

func (o order) id() string { return "order-" + strconv.Itoa(o.number) }

// catalog has the items with their prices in cents. There are too few globes.
var catalog = []struct {
	item         string
	price, stock int
}{
	{"lamp", 29_90, 1_000_000},
	{"clock", 49_00, 1_000_000},
	{"globe", 89_50, 30},
}

// The cards that are not accepted at once.
const (
	declinedCard = "declined"
	slowCard     = "slow" // its bank never answers
)

// newOrder returns the order with a number.
func newOrder(number int) order {
	article := catalog[number%len(catalog)]
	o := order{number: number, item: article.item, price: article.price, card: "good", within: 500 * time.Millisecond}
	switch {
	case number%17 == 8:
		o.card = declinedCard
	case number%60 == 19:
		o.card = slowCard
	}
	return o
}

// patience is how long the customer of an order waits; 0 means as long as it takes.
func (o order) patience() time.Duration {
	if o.number%16 == 5 {
		return 20 * time.Millisecond
	}
	return 0
}
