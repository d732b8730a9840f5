package actors

import "github.com/troupe-go/troupe/internal/chain"

// A waiter is a goroutine that waits for something in a collector.
type waiter struct {
	ready  chan struct{} // has one slot; gets a value when the goroutine should look again
	link   chain.Link[*waiter]
	listed bool // in a list of waiters
}

func newWaiter() *waiter {
	w := &waiter{ready: make(chan struct{}, 1)}
	w.link.Of = w
	return w
}

// signal wakes the goroutine.
func (w *waiter) signal() {
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

// waiters have waiters in the order in which they came. The lock of the collector guards
// them.
type waiters struct{ list chain.Chain[*waiter] }

// add lists a waiter, unless it is listed already.
func (l *waiters) add(w *waiter) {
	if w.listed {
		return
	}
	select {
	case <-w.ready: // of an earlier wait
	default:
	}
	w.listed = true
	l.list.Push(&w.link)
}

// remove takes a waiter off the list. It returns false if the waiter was not listed any
// more.
func (l *waiters) remove(w *waiter) bool {
	if !w.listed {
		return false
	}
	w.listed = false
	l.list.Remove(&w.link)
	return true
}

// wakeFirst wakes the first waiter and takes it off the list. It returns false if there is
// none.
func (l *waiters) wakeFirst() bool {
	first := l.list.First()
	if first == nil {
		return false
	}
	l.remove(first.Of)
	first.Of.signal()
	return true
}

// wakeAll wakes all waiters and takes them off the list.
func (l *waiters) wakeAll() {
	for l.wakeFirst() {
	}
}

// signalAll wakes all waiters, which stay on the list.
func (l *waiters) signalAll() {
	for link := l.list.First(); link != nil; link = link.Next() {
		link.Of.signal()
	}
}
