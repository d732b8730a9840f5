package engine

// An ending is a task that was settled from outside, of which its waiters are to be
// told.
type ending struct {
	Settlement
	running bool     // a handler runs it still
	ctx     *Context // of the handler; nil: it has not used one
	cause   error    // why that context ends
	note    func()   // enters it in the journals; nil: there are none
}

// tellAll ends the contexts of the handlers and then tells whoever waits for the
// tasks. Telling an actor may run code of the user's, such as a subscriber of dead
// letters: if that ends this goroutine, by runtime.Goexit, another goes on.
func tellAll(endings []ending) {
	for i := range endings { // first, since those who are told may take their time
		if s := &endings[i]; s.ctx != nil {
			s.ctx.interrupt(s.cause)
		}
	}
	tellEach(endings)
}

func tellEach(endings []ending) {
	told := 0
	defer func() {
		if rest := endings[told:]; len(rest) > 0 {
			go tellEach(rest)
		}
	}()
	for i := range endings {
		told++
		s := &endings[i]
		if s.note != nil {
			s.note()
		}
		body := s.task.body
		body.Settled(&s.Settlement)
		s.task.forgetSender()
		if !s.running { // else its worker drops the rest, when the handler has returned
			s.task.release()
		}
	}
}

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
