package engine

import "github.com/troupe-go/troupe/messages"

// Load returns how much the pool has to do, at a small part of what Stats costs.
func (e *Engine) Load() messages.Load {
	load := messages.Load{Capacity: int(e.capacity.Load()), Queued: int(e.delays.count.Load())}
	view := e.roster.view.Load()
	load.Size = len(view.routees)
	q := &e.shared
	q.mu.Lock()
	load.Paused = q.paused
	load.Queued += max(q.liveLocked(), 0)
	if q.late != nil {
		load.Queued += q.late.pinned
		load.Free = q.late.able
		for _, w := range q.late.batches {
			if !w.abandoned.Load() {
				load.Busy++
			}
		}
	}
	q.mu.Unlock()
	if e.late() {
		return load
	}
	for _, w := range view.routees {
		w.q.mu.Lock()
		load.Queued += max(w.q.liveLocked(), 0)
		if w.ableLocked() {
			load.Free++
		}
		if w.hasTaskLocked() {
			load.Busy++
		}
		w.q.mu.Unlock()
	}
	return load
}
