package engine

import (
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// offerTime is how long an actor that was told of a free place has it to itself among those that
// asked.
const offerTime = 100 * time.Millisecond

// askers has the actors that asked for room and were not answered. It also has the places that
// others were told of and that nobody has taken yet: the offers. There is at most one offer for
// each free place, so one place does not make many actors send. waitList.mu guards it.
type askers struct {
	waiting []*actor.PID // in the order in which they asked
	offers  []int64      // when each lapses, engine time, earliest first
	tidy    int          // the length of waiting at which those that are gone are removed
}

// leastTidy is the least length of askers.waiting at which actors that are gone are removed.
const leastTidy = 64

// idle reports whether nobody waits and no place is offered.
func (a *askers) idle() bool { return len(a.waiting) == 0 && len(a.offers) == 0 }

// add adds an actor that asks. From time to time it removes those that are gone, which a pool
// that has no room for long would collect.
func (a *askers) add(asker *actor.PID, gone func(*actor.PID) bool) {
	a.waiting = append(a.waiting, asker)
	if len(a.waiting) >= max(a.tidy, leastTidy) {
		a.waiting = slices.DeleteFunc(a.waiting, gone)
		a.tidy = 2 * len(a.waiting)
	}
}

// next removes and returns the actor that is to be answered next, or nil. Those that are gone are
// passed over: they would keep the place from others for a while.
func (a *askers) next(gone func(*actor.PID) bool) *actor.PID {
	for len(a.waiting) > 0 {
		first := a.waiting[0]
		a.waiting[0] = nil
		a.waiting = a.waiting[1:]
		if !gone(first) {
			return first
		}
	}
	return nil
}

// takeAll removes and returns all actors that wait, and forgets the offers.
func (a *askers) takeAll() []*actor.PID {
	all := a.waiting
	a.waiting, a.offers = nil, nil
	return all
}

// offer records that an actor was told of a free place.
func (a *askers) offer(now int64) { a.offers = append(a.offers, later(now, offerTime)) }

// taken records that a task has taken a place.
func (a *askers) taken() {
	if len(a.offers) > 0 {
		a.offers = a.offers[1:]
	}
}

// lapse forgets the offers that nobody has used in time.
func (a *askers) lapse(now int64) {
	lapsed := 0
	for lapsed < len(a.offers) && a.offers[lapsed] <= now {
		lapsed++
	}
	a.offers = a.offers[lapsed:]
}
