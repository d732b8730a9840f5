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
		w.router.idle.push(w)
	} else {
		w.router.idle.remove(w)
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

// workerList is a list of workers linked through themselves.
type workerList struct{ first, last *Worker }

func (l *workerList) push(w *Worker) {
	w.previous, w.nextIdle = l.last, nil
	if l.last == nil {
		l.first = w
	} else {
		l.last.nextIdle = w
	}
	l.last = w
}

func (l *workerList) remove(w *Worker) {
	if w.previous == nil {
		l.first = w.nextIdle
	} else {
		w.previous.nextIdle = w.nextIdle
	}
	if w.nextIdle == nil {
		l.last = w.previous
	} else {
		w.nextIdle.previous = w.previous
	}
	w.previous, w.nextIdle = nil, nil
}
