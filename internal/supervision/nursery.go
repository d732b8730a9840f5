package supervision

import (
	"github.com/asynkron/protoactor-go/actor"
)

// maxHung is how many orders may have constructors that do not return. Beyond that, no
// worker is made until one returns.
const maxHung = 16

// nursery has workers made. A constructor that blocks is left behind: its order goes on when
// it returns, and other orders do not wait for it.
type nursery struct {
	pool   *pool
	spawn  func(*actor.Props) (*actor.PID, error)
	orders map[*order]struct{}
	hung   int // orders whose constructors were slow
}

// A delivery has the workers that an order has made since its last delivery.
type delivery struct {
	order *order
	made  []*actor.PID
	over  bool  // otherwise a constructor is slow, and more may follow
	err   error // why fewer workers were made; nil: all were
}

// order has workers made. receive gets them on the supervisor's goroutine, in one delivery
// if no constructor is slow.
func (n *nursery) order(count int, props func() *actor.Props, receive func(delivery)) {
	o := &order{spawn: n.spawn, props: props, left: count}
	if n.hung >= maxHung {
		receive(delivery{order: o, err: errHung, over: true})
		return
	}
	n.orders[o] = struct{}{}
	discard := func() { n.discard(o) }
	o.hung = func() { n.pool.postOr(func() { n.overdue(o, receive) }, discard) }
	o.late = func() { n.pool.postOr(func() { receive(n.delivery(o, false, errHung)) }, discard) }
	o.done = func(err error) { n.pool.postOr(func() { n.over(o, err, receive) }, discard) }
	o.start()
}

func (n *nursery) delivery(o *order, over bool, err error) delivery {
	return delivery{order: o, made: o.take(), over: over, err: err}
}

// overdue delivers what was made before a constructor that is slow.
func (n *nursery) overdue(o *order, receive func(delivery)) {
	if _, ok := n.orders[o]; !ok {
		return // it has returned meanwhile
	}
	o.counted = true
	n.hung++
	receive(n.delivery(o, false, errHung))
}

// over delivers the rest of an order.
func (n *nursery) over(o *order, err error, receive func(delivery)) {
	delete(n.orders, o)
	if o.counted {
		n.hung--
	}
	receive(n.delivery(o, true, err))
}

// cancel ends an order whose workers are not wanted any more.
func (n *nursery) cancel(o *order) {
	o.canceled = true
	o.cancel()
}

// pending reports whether workers may still come.
func (n *nursery) pending() bool {
	for o := range n.orders {
		if !o.canceled {
			return true
		}
	}
	return false
}

// stop ends all orders.
func (n *nursery) stop() {
	for o := range n.orders {
		n.cancel(o)
		n.discard(o)
	}
}

// discard forgets the workers of an order that is not wanted any more.
func (n *nursery) discard(o *order) { n.pool.discard(o.take()) }
