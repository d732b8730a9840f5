package engine

// Broadcast gives every worker a task of its own, made by accept. All are admitted or
// none is.
func (e *Engine) Broadcast(accept func(*Spec) (*Task, error)) error {
	for {
		// accept may run code of the user's, so no lock may be held.
		size := len(e.roster.view.Load().routees)
		tasks, specs := make([]*Task, size), make([]Spec, size)
		for i := range tasks {
			t, err := accept(&specs[i])
			if err != nil { // of the first: all are alike
				e.Rejected(err)
				return err
			}
			tasks[i] = t
		}
		if done, err := e.broadcast(tasks, specs); done {
			if err != nil {
				e.Rejected(err)
			}
			return err
		}
	}
}

// broadcast does nothing if there are not as many workers as tasks.
func (e *Engine) broadcast(tasks []*Task, specs []Spec) (done bool, err error) {
	e.world(func(then *after) {
		routees := e.roster.view.Load().routees
		if e.shared.refusal != nil {
			done, err = true, e.shared.refusal
			return
		}
		if len(routees) != len(tasks) {
			return
		}
		done = true
		if !e.roomForAllLocked(routees) {
			err = e.full()
			return
		}
		for i, t := range tasks {
			e.pinNewLocked(t, &specs[i], routees[i])
			e.wakeForTaskLocked(routees[i].q, routees[i], then)
		}
	})
	return done, err
}

// roomForAllLocked reports whether there is room for one more task for each worker.
func (e *Engine) roomForAllLocked(routees []*Worker) bool {
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

// pinNewLocked accepts a task for one worker alone.
func (e *Engine) pinNewLocked(t *Task, s *Spec, w *Worker) {
	q := w.q
	q.submitted++
	t.makeExtra().pinned = true
	if q.late == nil {
		e.acceptLocked(q, t, s, &target{}, e.newNumberLocked(q), nil)
		return
	}
	e.enterLedgerLocked(q, t, s, &target{}, e.newNumberLocked(q), w.index, 0)
	w.recallLocked(q) // it starts before what the worker has claimed of the shared queue
	w.poke.Store(true)
	w.pinLocked(q, t)
	if s.Timeout > 0 {
		e.startTimeoutLocked(q, t, s)
	}
}
