package router

// refreshLocked brings able and promised up to date.
func (w *Worker) refreshLocked() {
	able := w.started && !w.suspended && !w.leaving && !w.taken && w.breaker != breakerOpen
	if able != w.able {
		w.able = able
		if able {
			w.router.able++
		} else {
			w.router.able--
		}
		if w.parked {
			w.listLocked(able)
		}
	}
	w.promiseLocked()
}

func (w *Worker) promiseLocked() {
	promised := w.able && w.own.Len() > 0
	if promised == w.promised {
		return
	}
	w.promised = promised
	if promised {
		w.router.promised++
	} else {
		w.router.promised--
	}
}

// parkLocked says that w's goroutine ends.
func (w *Worker) parkLocked() {
	w.parked = true
	w.listLocked(w.able)
}

// inHandLocked is the task that w has in hand, nil if none. It stays there until
// mu is free, unless there was a batch.
func (w *Worker) inHandLocked() *Cell {
	w.hand.mu.Lock()
	defer w.hand.mu.Unlock()
	return w.hand.current
}

// unparkLocked takes charge of a parked worker: the caller must schedule it. It
// returns nil if w was not parked.
func (w *Worker) unparkLocked() *Worker {
	if !w.parked {
		return nil
	}
	w.parked = false
	w.listLocked(false)
	return w
}

// listLocked puts w at the end of the idle workers, or takes it out.
func (w *Worker) listLocked(listed bool) {
	if listed == w.listed {
		return
	}
	w.listed = listed
	if listed {
		w.router.idle.Push(&w.idle)
	} else {
		w.router.idle.Remove(&w.idle)
	}
}

// takeOwnLocked empties w's own queue.
func (w *Worker) takeOwnLocked() []*Cell {
	var cells []*Cell
	for c := w.own.Pop(); c != nil; c = w.own.Pop() {
		cells = append(cells, c)
	}
	w.router.own -= len(cells)
	w.load.Add(-int64(len(cells)))
	w.promiseLocked()
	w.chosenLocked()
	return cells
}
