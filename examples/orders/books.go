package main

import (
	"maps"
	"sync"
)

// books are what depots, bank and carriers have written down. They survive the actors that
// stand for them. Whatever is written is written under the number of an order, so that a step
// that is repeated changes nothing.
type books struct {
	mu       sync.Mutex
	shelves  map[string]map[string]int // pieces by depot and item; guarded by mu
	reserved map[int]reservation       // by order; guarded by mu
	paid     map[int]int               // cents by order; guarded by mu
	parcels  map[int]string            // carriers by order; guarded by mu
	charges  map[int]int               // how often the bank was asked, by order; guarded by mu
}

// A reservation lists the pieces that a depot keeps for an order.
type reservation struct {
	depot string
	items []string
}

// depotNames are the depots. None of them has a globe.
func depotNames() []string { return []string{"harbor", "station", "airport"} }

// plenty is how many pieces of an item a depot has, if any.
const plenty = 1_000_000

func newBooks() *books {
	return &books{
		shelves: map[string]map[string]int{
			"harbor":  {"lamp": plenty, "chair": plenty},
			"station": {"lamp": plenty, "clock": plenty},
			"airport": {"lamp": plenty, "clock": plenty, "chair": plenty},
		},
		reserved: make(map[int]reservation),
		paid:     make(map[int]int),
		parcels:  make(map[int]string),
		charges:  make(map[int]int),
	}
}

// has reports whether a depot has the items of an order.
func (b *books) has(depot string, o *order) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.hasLocked(depot, o)
}

func (b *books) hasLocked(depot string, o *order) bool {
	needed := make(map[string]int)
	for _, item := range o.items {
		needed[item]++
		if b.shelves[depot][item] < needed[item] {
			return false
		}
	}
	return true
}

// reserve lays the items of an order aside. It reports whether they are, here or in another
// depot.
func (b *books) reserve(depot string, o *order) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, done := b.reserved[o.number]; done {
		return true
	}
	if !b.hasLocked(depot, o) {
		return false
	}
	for _, item := range o.items {
		b.shelves[depot][item]--
	}
	b.reserved[o.number] = reservation{depot: depot, items: o.items}
	return true
}

// putBack puts the items of an order back if this depot has laid them aside.
func (b *books) putBack(depot string, number int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r, is := b.reserved[number]; is && r.depot == depot {
		b.putBackLocked(number, r)
	}
}

func (b *books) putBackLocked(number int, r reservation) {
	for _, item := range r.items {
		b.shelves[r.depot][item]++
	}
	delete(b.reserved, number)
}

// asked counts how often the bank has been asked for the money of an order.
func (b *books) asked(o *order) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.charges[o.number]++
	return b.charges[o.number]
}

// pay earmarks money for an order. It is taken when the shop closes.
func (b *books) pay(o *order, cents int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.paid[o.number] = cents
}

// book books a parcel. The first carrier gets it.
func (b *books) book(number int, carrier string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.parcels[number] == "" {
		b.parcels[number] = carrier
	}
}

// void undoes what was done for orders that were not sold, and was not undone yet: a depot has
// not heard that the order had failed, or a service has done its part afterwards.
func (b *books) void(sold map[int]*receipt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for number, r := range b.reserved {
		if sold[number] == nil {
			b.putBackLocked(number, r)
		}
	}
	maps.DeleteFunc(b.paid, func(number, _ int) bool { return sold[number] == nil })
	maps.DeleteFunc(b.parcels, func(number int, _ string) bool { return sold[number] == nil })
}

// sums are what is in the books.
type sums struct {
	reserved, paid, parcels int // orders
	cents                   int // of all payments
	taken, aside            int // pieces that are not on the shelves, and that are laid aside
}

func (b *books) sums() sums {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := sums{reserved: len(b.reserved), paid: len(b.paid), parcels: len(b.parcels)}
	for _, cents := range b.paid {
		s.cents += cents
	}
	for _, shelf := range b.shelves {
		for _, pieces := range shelf {
			s.taken += plenty - pieces
		}
	}
	for _, r := range b.reserved {
		s.aside += len(r.items)
	}
	return s
}
