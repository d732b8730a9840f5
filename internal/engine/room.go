package engine

// sharedRoomLocked reports whether the shared queue has room for n more tasks. Each free
// worker makes room for one task beyond the capacity: its next one. Waiting retries take
// room.
func (e *placing) sharedRoomLocked(n int, exact bool) bool {
	q := &e.shared
	room := e.roomAfterDelays()
	if q.late != nil {
		if n == 1 && q.liveLocked() < q.late.freeLocked(q) {
			return true // a free worker starts it at once, whatever waits for another
		}
		n += q.late.pinned
		if !q.paused {
			n -= q.late.able
		}
	}
	if q.liveLocked()+n <= room {
		return true
	}
	return exact && q.claimed > 0 && q.exactLocked()+n <= room
}

// ownRoomLocked reports whether a worker's queue has room. A free worker makes room for
// one task beyond its share: its next one.
func (e *placing) ownRoomLocked(w *Worker, exact bool) bool {
	q := w.q
	share := q.share
	if e.delays.count.Load() > 0 {
		share = shareOf(e.roomAfterDelays(), w.place, len(e.roster.view.Load().routees))
	}
	live := q.liveLocked()
	if live < share {
		return true
	}
	free := 0
	if !q.paused && w.ableLocked() {
		free = 1
	}
	if live-share < free {
		return true
	}
	return exact && q.claimed > 0 && q.exactLocked()-share < free
}

// roomForAllLocked reports whether there is room for one more task for each worker.
func (e *placing) roomForAllLocked(routees []*Worker) bool {
	if !e.late() {
		for _, w := range routees {
			if !e.ownRoomLocked(w, true) {
				return false
			}
		}
		return true
	}
	return e.sharedRoomLocked(len(routees), true)
}
