package engine

// Broadcast gives every worker a task of its own, made by accept. All are admitted or
// none is.
func (e *admission) Broadcast(accept func(*Spec) (*Task, error)) error {
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
func (e *admission) broadcast(tasks []*Task, specs []Spec) (done bool, err error) {
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
