package engine

import (
	"slices"
	"sync"
)

// deadlocks records which handlers wait for tasks of their own pool, and detects waits that
// cannot end: every worker waits for the pool, or an awaited task is queued for the waiting
// worker itself or for one that waits for it, directly or through others.
type deadlocks struct {
	roster *roster

	mu      sync.Mutex
	blocked map[*hand]*poolWait // guarded by mu; nil until a handler waits
	stuck   chan struct{}       // guarded by mu; closed to end all waits when one is in vain; nil: nobody waits
}

// A poolWait lists the tasks that a handler waits for. Several goroutines of one handler may
// wait at once.
type poolWait struct {
	ctx     *Context // of the handler
	awaited []*Task  // nil entries stand for room in the queue
}

// block records that the handler of self waits for t, or for room if t is nil. ok is false
// if the wait could never end.
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
// handler waits for such a task, directly or through others. seen lists the workers on the
// way to t.
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

// waitOfLocked returns what the handler in a hand waits for, or nil if it does not wait.
// Goroutines left behind by a returned handler do not count.
func (d *deadlocks) waitOfLocked(h *hand) *poolWait {
	if wait := d.blocked[h]; wait != nil && !wait.ctx.returned.Load() {
		return wait
	}
	return nil
}

// hopelessLocked reports whether every worker except the given one waits for the pool. A
// leaving worker counts as long as it runs a task, since another worker may wait for that
// task.
func (d *deadlocks) hopelessLocked(workers []*Worker, but *hand) bool {
	for _, w := range workers {
		if &w.hand != but && !d.waitingLocked(&w.hand) && (w.hand.occupied.Load() || !w.leaving.Load()) {
			return false
		}
	}
	return true
}

// waitingLocked reports whether the handler in a hand waits and will go on waiting. It will
// not if its own task, or a task that it waits for, has been settled.
func (d *deadlocks) waitingLocked(h *hand) bool {
	wait := d.waitOfLocked(h)
	if wait == nil || wait.ctx.over.Load() {
		return false
	}
	return !slices.ContainsFunc(wait.awaited, func(t *Task) bool { return t != nil && t.load().settled() })
}

// waits reports whether the handler in a hand waits for the pool.
func (d *deadlocks) waits(h *hand) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waitOfLocked(h) != nil
}

// endVain ends the waits for the pool if a change of the workers has made one of them vain.
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
