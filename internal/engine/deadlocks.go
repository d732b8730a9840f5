package engine

import (
	"slices"
	"sync"
)

// deadlocks knows which handlers wait for tasks of their own pool, and tells those that
// wait in vain: because every worker waits for the pool, or because an awaited task is
// queued for a worker that waits, in the end, for this one.
type deadlocks struct {
	roster *roster

	mu      sync.Mutex
	blocked map[*hand]*poolWait // guarded by mu; nil until somebody waits
	stuck   chan struct{}       // guarded by mu; closed when somebody waits in vain; nil: nobody waits
}

// A poolWait is what a handler waits for. Several goroutines of it may wait.
type poolWait struct {
	ctx     *Context // of the handler
	awaited []*Task  // nil stands for room in the queue
}

// block notes that the handler of self waits for t, or for room if t is nil. It reports
// false if the wait could never end.
func (d *deadlocks) block(self *Context, t *Task) (stuck <-chan struct{}, unblock func(), ok bool) {
	workers := d.roster.all()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.circleLocked(t, self.hand, nil) {
		return nil, nil, false
	}
	wait := d.blocked[self.hand]
	if wait == nil || wait.ctx != self {
		if d.hopelessLocked(workers, self.hand) {
			return nil, nil, false
		}
		wait = &poolWait{ctx: self}
		if d.blocked == nil {
			d.blocked = make(map[*hand]*poolWait)
		}
		d.blocked[self.hand] = wait
	}
	wait.awaited = append(wait.awaited, t)
	if d.stuck == nil {
		d.stuck = make(chan struct{})
	}
	return d.stuck, func() { d.unblock(wait, t) }, true
}

func (d *deadlocks) unblock(wait *poolWait, t *Task) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.Index(wait.awaited, t)
	wait.awaited = slices.Delete(wait.awaited, i, i+1)
	if len(wait.awaited) == 0 && d.blocked[wait.ctx.hand] == wait {
		delete(d.blocked, wait.ctx.hand)
	}
}

// circleLocked reports whether t is queued for the worker of self, or for a worker whose
// handler waits for a task that is, and so on. seen has the workers on the way to t.
func (d *deadlocks) circleLocked(t *Task, self *hand, seen []*hand) bool {
	if t == nil {
		return false
	}
	word := t.load()
	if word.status() != queued {
		return false
	}
	w := d.roster.worker(word.worker())
	if w == nil || slices.Contains(seen, &w.hand) {
		return false
	}
	if &w.hand == self {
		return true
	}
	wait := d.waitOfLocked(&w.hand)
	if wait == nil {
		return false
	}
	seen = append(seen, &w.hand)
	return slices.ContainsFunc(wait.awaited, func(t *Task) bool { return d.circleLocked(t, self, seen) })
}

// waitOfLocked is what the task in a hand waits for, nil if it does not wait. Goroutines
// left behind by a returned handler do not count.
func (d *deadlocks) waitOfLocked(h *hand) *poolWait {
	if wait := d.blocked[h]; wait != nil && !wait.ctx.returned.Load() {
		return wait
	}
	return nil
}

// hopelessLocked reports whether every worker but the given one waits for the pool. A
// worker that leaves counts while it finishes its task, since another may wait for that.
func (d *deadlocks) hopelessLocked(workers []*Worker, but *hand) bool {
	for _, w := range workers {
		if &w.hand != but && !d.waitingLocked(&w.hand) && (w.hand.occupied.Load() || !w.leaving.Load()) {
			return false
		}
	}
	return true
}

// waitingLocked reports whether the task in a hand waits, and goes on to wait. It is
// about to go on when a task that it waits for has been settled, or when it has been
// settled itself.
func (d *deadlocks) waitingLocked(h *hand) bool {
	wait := d.waitOfLocked(h)
	if wait == nil || wait.ctx.over.Load() {
		return false
	}
	return !slices.ContainsFunc(wait.awaited, func(t *Task) bool { return t != nil && t.load().settled() })
}

// waits reports whether the handler that has a task in the hand waits for the pool.
func (d *deadlocks) waits(h *hand) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waitOfLocked(h) != nil
}

// endVain tells handlers that wait in vain, if a change of the workers has made it so.
func (d *deadlocks) endVain() {
	if !d.somebodyWaits() {
		return
	}
	workers := d.roster.all()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stuck == nil {
		return
	}
	stuck := len(d.blocked) > 0 && d.hopelessLocked(workers, nil)
	for h := range d.blocked {
		if wait := d.waitOfLocked(h); wait != nil {
			stuck = stuck || slices.ContainsFunc(wait.awaited, func(t *Task) bool { return d.circleLocked(t, h, nil) })
		}
	}
	if stuck {
		close(d.stuck)
		d.stuck = nil
	}
}

func (d *deadlocks) somebodyWaits() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stuck != nil && len(d.blocked) > 0
}
