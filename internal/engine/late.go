package engine

import "github.com/troupe-go/troupe/internal/chain"

// A lateQueue is the part of the shared queue that late binding needs. It tracks which
// workers could take a task. The lock of the queue guards it.
type lateQueue struct {
	// What each submission reads fills a cache line.
	idle     chain.Chain[*Worker] // parked workers that can take a task; the first to park is woken first
	able     int                  // workers that could start a task now, including those that have been woken
	promised int                  // able workers with pinned tasks, which they start first
	pinned   int                  // tasks that wait for one worker alone
	opening  int32                // workers that make their states for a task each, and have not taken long
	waking   bool                 // one worker has been woken and has not reached the queue yet
	shunned  shunned              // beside the rings

	// What each claim changes lies in the next one.
	batches  []*Worker // workers that have claimed tasks
	recallAt int64     // when to look for batches that have lasted too long

	stateless   chain.Chain[*Worker] // idle workers that must make their state first: woken when no other is idle
	onlyHolding int32                // workers that hold tasks and run none
	_           [32]byte             // Go aligns objects of 192 bytes to cache lines
}

// freeLocked returns the number of workers that would start a task of the shared queue now.
func (l *lateQueue) freeLocked(q *taskQueue) int {
	if q.paused {
		return 0
	}
	free := l.able - l.promised
	if l.shunned.count > 0 {
		free -= l.shunned.takersLocked(free)
	}
	return free
}

func (l *lateQueue) addIdleLocked(w *Worker) {
	if !w.listed {
		w.listed = true
		w.idle.Of = w
		l.chainOf(w).Push(&w.idle)
	}
}

// chainOf returns the chain of idle workers that w is in while it is listed. A parked worker
// neither makes nor loses its state.
func (l *lateQueue) chainOf(w *Worker) *chain.Chain[*Worker] {
	if w.stateless() {
		return &l.stateless
	}
	return &l.idle
}

// firstIdleLocked returns the idle worker to be woken next, or nil.
func (l *lateQueue) firstIdleLocked() *Worker {
	first := l.idle.First()
	if first == nil {
		first = l.stateless.First()
	}
	if first == nil {
		return nil
	}
	return first.Of
}

// idleForShunnedLocked returns an idle worker to be woken for a task that others shun, or nil.
// live is the number of other queued tasks: workers that make their states will take them.
func (l *lateQueue) idleForShunnedLocked(live int) *Worker {
	if live+l.shunned.count <= int(l.opening) {
		return nil
	}
	for _, idle := range [...]*chain.Chain[*Worker]{&l.idle, &l.stateless} {
		for link := idle.First(); link != nil; link = link.Next() {
			if l.shunned.firstForLocked(link.Of) != nil {
				return link.Of
			}
		}
	}
	if live > 0 { // for what such a worker has left
		return l.firstIdleLocked()
	}
	return nil
}

func (l *lateQueue) removeIdleLocked(w *Worker) {
	if w.listed {
		w.listed = false
		l.chainOf(w).Remove(&w.idle)
	}
}

func (l *lateQueue) addBatchLocked(w *Worker) {
	l.batches = append(l.batches, w)
	w.batchAt = int32(len(l.batches))
}

func (l *lateQueue) removeBatchLocked(w *Worker) {
	last := len(l.batches) - 1
	l.batches[w.batchAt-1] = l.batches[last]
	l.batches[last].batchAt = w.batchAt
	l.batches[last] = nil
	l.batches = l.batches[:last]
	w.batchAt = 0
}
