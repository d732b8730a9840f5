package engine

// after is what is left to do when no lock is held.
type after struct {
	wakes   []*Worker
	settled []ending
	calls   []func()
}

// wake schedules a worker that has been unparked; it may be nil.
func (a *after) wake(w *Worker) {
	if w != nil {
		a.wakes = append(a.wakes, w)
	}
}

func (a *after) call(f func()) { a.calls = append(a.calls, f) }

// run does it. No lock may be held.
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
