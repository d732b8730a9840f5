package router

// A job is what a worker does next. At most one field is set; none: it has been
// parked and its goroutine must end.
type job struct {
	system any
	mail   any
	cell   *Cell
}

func (j job) none() bool { return j.system == nil && j.mail == nil && j.cell == nil }

// next parks w or gives it something to do: system messages first, then mail,
// then tasks of its own queue, then of the shared one. done is the task that w
// has just had in hand, nil if none; now is the time. It is called by w's
// goroutine only.
func (r *Router) next(w *Worker, done *Cell, now int64) job {
	if done != nil && done.ctx.used.Load() {
		done.ctx.release()
		w.lastCtx = nil
	}
	var then after
	r.mu.Lock()
	if w.waking {
		w.waking, r.waking = false, false
	}
	if done != nil {
		r.putDownLocked(w, done)
	}
	j := r.jobLocked(w, now)
	if r.waiters.first != nil {
		r.admitLocked(&then)
		if j.none() {
			j = r.jobLocked(w, now)
		}
	}
	if j.none() {
		w.parkLocked()
		r.quietLocked(&then)
	}
	then.schedule(r.wakeLocked())
	r.mu.Unlock()

	if done != nil {
		done.Release()
	}
	then.run()
	return j
}

func (r *Router) jobLocked(w *Worker, now int64) job {
	if msg, ok := w.system.pop(); ok {
		return job{system: msg}
	}
	if w.suspended {
		return job{}
	}
	if w.leaving {
		return job{}
	}
	if msg, ok := w.mail.pop(); ok {
		return job{mail: msg}
	}
	if !w.able || r.paused {
		return job{}
	}
	c, ok := w.own.Pop()
	if ok {
		r.own--
	} else if c, ok = r.shared.Pop(); ok {
		w.load.Add(1)
	} else {
		return job{}
	}
	c.started = now
	c.worker = w
	c.ctx = w.contextFor(c)
	c.state.Store(running)
	w.current = c
	w.promiseLocked()
	w.refreshLocked()
	r.busy++
	return job{cell: c}
}

// putDownLocked says that w has no longer the settled task in hand.
func (r *Router) putDownLocked(w *Worker, c *Cell) {
	w.current = nil
	w.load.Add(-1)
	r.busy--
	r.endDeadlineLocked(c)
	w.refreshLocked()
}

// quietLocked calls whoever waits for the moment at which nothing is queued or
// running.
func (r *Router) quietLocked(then *after) {
	if len(r.quiet) > 0 && r.isQuietLocked() {
		then.calls = append(then.calls, r.quiet...)
		r.quiet = nil
	}
}

func (r *Router) isQuietLocked() bool {
	return r.shared.Len() == 0 && r.own == 0 && r.busy == 0 && len(r.callers) == 0
}
