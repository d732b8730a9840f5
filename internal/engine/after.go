package engine

// An ending is a task that was settled from outside and whose waiters are still to be
// notified.
type ending struct {
	Settlement
	running bool     // a handler still runs it
	ctx     *Context // of the handler; nil: the handler has not used one
	holding *Holding // of a task that was held, or would have been; nil: there is none
	cause   error    // why the contexts end
	note    func()   // enters the outcome in the journals; nil: there are none
}

// tellAll ends the contexts of the handlers and then notifies the waiters of the tasks.
func tellAll(endings []ending) {
	interrupt(endings)
	for i := range endings {
		s := &endings[i]
		if s.note != nil {
			s.note()
		}
		s.task.body.Settled(&s.Settlement)
		s.task.forgetSender()
		if !s.running { // else its worker releases it when the handler has returned
			s.task.body.Released()
			s.task.disown()
		}
	}
}

// after collects what must be done once no lock is held.
type after struct {
	wakes   []*Worker
	settled []ending
	calls   []func()
}

// wake adds a worker to schedule, which has been unparked. w may be nil.
func (a *after) wake(w *Worker) {
	if w != nil {
		a.wakes = append(a.wakes, w)
	}
}

func (a *after) call(f func()) { a.calls = append(a.calls, f) }

// run does what was collected. No lock may be held.
func (a *after) run(s *scheduler) {
	if len(a.settled) > 0 {
		tellAll(a.settled)
	}
	for _, w := range a.wakes {
		s.schedule(w)
	}
	for _, call := range a.calls {
		call()
	}
}
