package engine

import (
	"context"
	"sync"

	"github.com/troupe-go/troupe/messages"
)

// deadlocks knows which handlers wait for tasks of their own pool, and tells those that
// wait in vain: because every worker waits for the pool, or because the awaited task is
// queued for a worker that waits, in the end, for this one.
type deadlocks struct {
	mu      sync.Mutex
	blocked map[*Worker]*poolWait // guarded by mu; nil until somebody waits
	stuck   chan struct{}         // guarded by mu; closed when somebody waits in vain; nil: nobody waits
}

// A poolWait is what the handler of a worker's task waits for. Several goroutines of it
// may wait.
type poolWait struct {
	ctx     *Context // of the handler
	count   int
	awaited *Task // the last of them; nil: room in the queue
}

// handlerOf returns the context that a worker of this pool gave a handler and that ctx
// was derived from, or nil. No other task gets it from now on. It runs code of the
// user's.
func (e *Engine) handlerOf(ctx context.Context) *Context {
	c := FromContext(ctx)
	if c == nil || c.engine != e || c.worker == nil {
		return nil
	}
	c.use()
	if c.returned.Load() || !c.worker.occupied.Load() {
		return nil
	}
	return c
}

// OfHandler reports whether ctx is that of one of the pool's own handlers.
func (e *Engine) OfHandler(ctx context.Context) bool {
	c := FromContext(ctx)
	return c != nil && c.engine == e
}

// Blocking says that the goroutine of ctx is about to wait for a task that this pool
// has accepted. It returns ErrDeadlock if ctx is that of one of the pool's own handlers
// and the wait could never end. If it returns nil, done must be called after the wait,
// and stuck is closed if the wait turns out to be in vain.
func (e *Engine) Blocking(ctx context.Context, t *Task) (stuck <-chan struct{}, done func(), err error) {
	self := e.handlerOf(ctx)
	if self == nil || t.load().settled() {
		return nil, func() {}, nil
	}
	stuck, done, ok := e.deadlocks.block(e, self, t)
	if !ok {
		return nil, nil, messages.ErrDeadlock
	}
	return stuck, done, nil
}

// block notes that the handler of self waits for t, or for room if t is nil. It reports
// false if the wait could never end.
func (d *deadlocks) block(e *Engine, self *Context, t *Task) (stuck <-chan struct{}, unblock func(), ok bool) {
	workers := e.allWorkers()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.circleLocked(e, t, self.worker) {
		return nil, nil, false
	}
	wait := d.blocked[self.worker]
	if wait == nil || wait.ctx != self {
		if d.hopelessLocked(workers, self.worker) {
			return nil, nil, false
		}
		wait = &poolWait{ctx: self}
		if d.blocked == nil {
			d.blocked = make(map[*Worker]*poolWait)
		}
		d.blocked[self.worker] = wait
	}
	wait.count++
	wait.awaited = t
	if d.stuck == nil {
		d.stuck = make(chan struct{})
	}
	return d.stuck, func() { d.unblock(wait) }, true
}

func (d *deadlocks) unblock(wait *poolWait) {
	d.mu.Lock()
	defer d.mu.Unlock()
	wait.awaited = nil
	if wait.count--; wait.count == 0 && d.blocked[wait.ctx.worker] == wait {
		delete(d.blocked, wait.ctx.worker)
	}
}

// circleLocked reports whether t is queued for w, or for a worker whose handler waits
// for a task that is, and so on.
func (d *deadlocks) circleLocked(e *Engine, t *Task, w *Worker) bool {
	for range len(d.blocked) + 1 { // no chain is longer
		if t == nil {
			return false
		}
		word := t.load()
		if word.status() != queued || word.worker() == nobody {
			return false
		}
		owner := e.roster.worker(word.worker())
		if owner == nil {
			return false
		}
		if owner == w {
			return true
		}
		wait := d.waitOfLocked(owner)
		if wait == nil {
			return false
		}
		t = wait.awaited
	}
	return false
}

// waitOfLocked is what the task that w runs waits for, nil if it does not wait.
// Goroutines left behind by a returned handler do not count.
func (d *deadlocks) waitOfLocked(w *Worker) *poolWait {
	if wait := d.blocked[w]; wait != nil && !wait.ctx.returned.Load() {
		return wait
	}
	return nil
}

// hopelessLocked reports whether every worker but the given one waits for the pool. A
// worker that leaves counts while it finishes its task, since another may wait for that.
func (d *deadlocks) hopelessLocked(workers []*Worker, but *Worker) bool {
	for _, w := range workers {
		if w != but && !d.waitingLocked(w) && (w.occupied.Load() || !w.leaving.Load()) {
			return false
		}
	}
	return true
}

// waitingLocked reports whether the task of w waits, and goes on to wait. A wait is
// about to end when what it is for has been settled, or the task that waits.
func (d *deadlocks) waitingLocked(w *Worker) bool {
	wait := d.waitOfLocked(w)
	if wait == nil || wait.ctx.over.Load() {
		return false
	}
	return wait.awaited == nil || !wait.awaited.load().settled()
}

// waits reports whether the handler of w waits for the pool.
func (d *deadlocks) waits(w *Worker) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waitOfLocked(w) != nil
}

// EndVainWaits tells handlers that wait for their own pool in vain, if a change of the
// workers has made it so. It is called when a worker is gone and has its successor, if
// it gets one, and when tasks have moved to other workers.
func (e *Engine) EndVainWaits() {
	d := &e.deadlocks
	workers := e.allWorkers()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stuck == nil {
		return
	}
	stuck := len(d.blocked) > 0 && d.hopelessLocked(workers, nil)
	for _, w := range workers {
		if wait := d.waitOfLocked(w); wait != nil {
			stuck = stuck || d.circleLocked(e, wait.awaited, w)
		}
	}
	if stuck {
		close(d.stuck)
		d.stuck = nil
	}
}

// allWorkers returns the workers in dispatch and those that are leaving.
func (e *Engine) allWorkers() []*Worker {
	e.roster.mu.Lock()
	defer e.roster.mu.Unlock()
	return append([]*Worker(nil), e.roster.workers...)
}
