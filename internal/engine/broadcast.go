package engine

import "github.com/troupe-go/troupe/messages"

// Broadcast gives each worker a task of its own, made by accept. It admits either all of
// the tasks or none.
func (e *admission) Broadcast(accept func(*Spec) (*Task, error)) error {
	for {
		// accept may run user code, so no lock may be held.
		size := len(e.roster.view.Load().routees)
		tasks, specs := make([]*Task, size), make([]Spec, size)
		for i := range tasks {
			t, err := accept(&specs[i])
			if err != nil { // it is the first call: all tasks are alike
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

// broadcast admits one task for each worker. It returns done = false, and does nothing, if
// the number of workers has changed.
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
		if len(tasks) == 0 {
			err = messages.ErrNoWorkers
			return
		}
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
