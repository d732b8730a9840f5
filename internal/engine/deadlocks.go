package engine

import (
	"slices"
	"sync"
	"sync/atomic"
)

// deadlocks records which handlers wait for their own pool, and finds the waits that cannot
// end.
//
// A handler may wait in several goroutines, and nobody knows which of them it needs in order
// to return. The rule is:
//
//   - A wait is vain if its task cannot be settled, or its room cannot be made, before the
//     waiting handler returns.
//   - Another handler that waits goes on as soon as any of its waits ends, or is found to be
//     vain. Until then it does not return.
//   - Every other worker goes on, whether it is idle, runs a handler that does not wait, or
//     leaves. So does a worker that is on its way, and a task that runs in its caller, unless
//     its handler waits.
//
// So a wait is found to be vain if every way from it leads back to its own handler,
// whichever goroutine has closed the circle. A wait for a handler in a circle is not vain,
// since the circle will be broken. Goroutines left behind by a returned handler do not
// count.
type deadlocks struct {
	roster *roster
	wanted atomic.Int64 // workers that there should be; while fewer are in dispatch, others are on their way

	mu        sync.Mutex
	blocked   map[*hand][]*poolWait // guarded by mu; nil until a handler waits
	inCallers map[*Task]*hand       // guarded by mu; those in blocked whose tasks run in their callers
	several   int                   // guarded by mu; hands with more than one wait
}

// A poolWait is one goroutine of a handler that waits for a task of its own pool, or for
// room in a queue.
type poolWait struct {
	ctx  *Context               // of the handler
	task *Task                  // nil: it waits for room
	word word                   // of the task when the wait began; its cell may be reused
	room atomic.Pointer[Worker] // in the queue of this worker; nil: in any queue
	over atomic.Bool            // there is room
	vain chan struct{}          // closed when the wait is found to be vain
	told bool                   // guarded by deadlocks.mu; vain is closed
}

func newPoolWait(self *Context, t *Task) *poolWait {
	wait := &poolWait{ctx: self, task: t, vain: make(chan struct{})}
	if t != nil {
		wait.word = t.load()
	}
	return wait
}

// block records a wait. It returns false, and does nothing, if the wait is vain.
func (d *deadlocks) block(wait *poolWait) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.blocked == nil {
		d.blocked = make(map[*hand][]*poolWait)
		d.inCallers = make(map[*Task]*hand)
	}
	h := wait.ctx.hand
	if h.inCaller() {
		d.inCallers[h.task] = h
	}
	if d.isVainLocked(wait) {
		d.forgetCallerLocked(h)
		return false
	}
	d.blocked[h] = append(d.blocked[h], wait)
	if len(d.blocked[h]) == 2 {
		d.several++
	}
	d.detourLocked(h)
	return true
}

// unblock records the end of a wait.
func (d *deadlocks) unblock(wait *poolWait) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := wait.ctx.hand
	waits := d.blocked[h]
	i := slices.Index(waits, wait)
	waits = slices.Delete(waits, i, i+1)
	if len(waits) == 0 {
		delete(d.blocked, h)
		d.forgetCallerLocked(h)
		return
	}
	d.blocked[h] = waits
	if len(waits) == 1 {
		d.several--
	}
	d.detourLocked(h)
}

// forgetCallerLocked removes a hand from inCallers unless its handler waits.
func (d *deadlocks) forgetCallerLocked(h *hand) {
	if h.inCaller() && len(d.blocked[h]) == 0 && d.inCallers[h.task] == h {
		delete(d.inCallers, h.task)
	}
}

// detourLocked looks for vain waits after the waits of a handler have changed. Such a change
// can make another handler's wait vain only if some handler has several waits, and if no
// wait of the changed handler can end without a handler that waits itself.
func (d *deadlocks) detourLocked(changed *hand) {
	if d.several > 0 && !slices.ContainsFunc(d.waitsOfLocked(changed), d.endsSoonLocked) {
		d.tellVainLocked()
	}
}

// endVain ends the waits that a change of the workers, or of their queues, has made vain.
func (d *deadlocks) endVain() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.blocked) > 0 {
		d.tellVainLocked()
	}
}

// tellVainLocked ends the waits that are vain, one by one: a handler that is told goes on, so
// others that wait for it need not be told.
func (d *deadlocks) tellVainLocked() {
	for {
		wait := d.graphLocked().firstVain()
		if wait == nil {
			return
		}
		wait.told = true
		close(wait.vain)
	}
}

// expect sets how many workers there should be. It reports whether that has made them fewer.
func (d *deadlocks) expect(workers int) (fewer bool) {
	return int64(workers) < d.wanted.Swap(int64(workers))
}

// comingLocked reports whether a worker is on its way.
func (d *deadlocks) comingLocked() bool {
	return d.wanted.Load() > int64(len(d.roster.view.Load().routees))
}

// waits reports whether the handler in a hand waits for the pool.
func (d *deadlocks) waits(h *hand) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waitsLocked(h)
}

func (d *deadlocks) waitsLocked(h *hand) bool { return len(d.waitsOfLocked(h)) > 0 }

// waitsOfLocked returns the waits of the handler in a hand, without those that a returned
// handler has left behind.
func (d *deadlocks) waitsOfLocked(h *hand) []*poolWait {
	waits := d.blocked[h]
	left := func(wait *poolWait) bool { return wait.ctx.returned.Load() }
	if !slices.ContainsFunc(waits, left) {
		return waits
	}
	return slices.DeleteFunc(slices.Clone(waits), left)
}

// targetLocked returns the hand that must go on for a wait to end; nil stands for that of any
// worker. ends reports that the wait ends without one.
func (d *deadlocks) targetLocked(wait *poolWait) (to *hand, ends bool) {
	if wait.told || wait.over.Load() || wait.ctx.over.Load() {
		return nil, true
	}
	if wait.task == nil {
		return handOf(wait.room.Load()), false
	}
	word := wait.task.load()
	if word.sequence() != wait.word.sequence() && wait.word.status() != fresh {
		return nil, true // it was settled
	}
	to = handOf(d.roster.worker(word.worker()))
	if word.status() == running && to == nil { // it runs in its caller
		to = d.inCallers[wait.task]
		return to, to == nil
	}
	return to, word.status() == fresh || word.settled()
}

// handOf returns the hand of a worker; nil if there is no worker.
func handOf(w *Worker) *hand {
	if w == nil {
		return nil
	}
	return &w.hand
}

// endsSoonLocked reports whether a wait ends without a handler that waits itself.
func (d *deadlocks) endsSoonLocked(wait *poolWait) bool {
	to, ends := d.targetLocked(wait)
	if ends || to == nil {
		return ends || d.anyFreeLocked(wait.ctx.hand)
	}
	return to != wait.ctx.hand && !d.waitsLocked(to)
}

// anyFreeLocked reports whether there is a worker, besides one, whose handler does not wait.
func (d *deadlocks) anyFreeLocked(but *hand) bool {
	others := len(d.roster.view.Load().routees) - len(d.blocked)
	if d.blocked[but] == nil {
		others--
	}
	if others > 0 { // some worker is not even in the map
		return true
	}
	return d.anyLocked(func(h *hand) bool { return h != but && !d.waitsLocked(h) })
}

// anyLocked reports whether a worker goes on, as goesOn says, or is on its way. Without any
// worker it returns true: the tasks of a pool that stops or has lost its workers are dropped,
// and a pool that is restarted gets new workers.
func (d *deadlocks) anyLocked(goesOn func(*hand) bool) bool {
	if d.comingLocked() {
		return true
	}
	workers := 0
	for w := range d.roster.everyWorker {
		workers++
		if goesOn(&w.hand) {
			return true
		}
	}
	return workers == 0 || d.comingLocked() // one may have left meanwhile
}

func (d *deadlocks) isVainLocked(wait *poolWait) bool {
	if d.endsSoonLocked(wait) {
		return false
	}
	self := wait.ctx.hand
	s := deadlockSearch{deadlocks: d, self: self, seen: map[*hand]bool{self: true}}
	return !s.endsLocked(wait) && s.circle
}

// A deadlockSearch follows waits from worker to worker until it finds one that goes on.
type deadlockSearch struct {
	*deadlocks
	self    *hand          // the one that must not go on
	seen    map[*hand]bool // hands that have been looked at, and self
	seenAll bool
	circle  bool // a wait leads back to self
}

// endsLocked reports whether a wait can end.
func (s *deadlockSearch) endsLocked(wait *poolWait) bool {
	to, ends := s.targetLocked(wait)
	switch {
	case ends:
		return true
	case to != nil:
		return s.goesOnLocked(to)
	case s.seenAll:
		return false
	}
	s.seenAll = true
	return s.anyLocked(s.goesOnLocked)
}

// goesOnLocked reports whether the handler in a hand will return.
func (s *deadlockSearch) goesOnLocked(h *hand) bool {
	s.circle = s.circle || h == s.self
	if s.seen[h] {
		return false
	}
	s.seen[h] = true
	waits := s.waitsOfLocked(h)
	return len(waits) == 0 || slices.ContainsFunc(waits, s.endsLocked)
}
