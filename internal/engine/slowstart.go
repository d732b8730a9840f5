package engine

import "github.com/troupe-go/troupe/guard"

// A slowStart is the alarm for a worker that takes long to make its state. Its tasks must not
// wait for that while others are idle: under late binding another worker is woken for them,
// under early binding the worker is sidelined.
type slowStart struct{ *workerMailbox }

// beginStart records that the worker makes its state. The caller must call over when that has
// ended.
func (w *workerMailbox) beginStart() (over func()) {
	w.q.mu.Lock()
	w.rareLocked().starting = true
	w.q.mu.Unlock()
	e, alarm := w.engine, new(alarmEntry)
	alarm.Value = slowStart{w}
	e.timer.addAlarm(alarm, later(e.now(), guard.Limit))
	return func() {
		e.timer.removeAlarm(alarm)
		w.q.mu.Lock()
		w.rare.starting = false
		slow := w.rare.slow
		w.q.mu.Unlock()
		if slow {
			e.readmit(&w.Worker)
		}
	}
}

// due implements alarm.
func (s slowStart) due(int64) {
	if s.q.late == nil {
		s.engine.sidelineSlow(&s.Worker)
		return
	}
	s.q.mu.Lock()
	s.openedLocked(s.q)
	w := s.q.late.wakeLocked(s.q)
	s.q.mu.Unlock()
	if w != nil {
		s.engine.sched.schedule(w)
	}
}

// sidelineSlow excludes a worker from dispatch while it still makes its state.
func (e *membership) sidelineSlow(w *Worker) {
	e.world(func(then *after) {
		if w.rare.starting && !w.leaving.Load() {
			w.rare.slow = true
			e.sidelineLocked(w, then)
		}
	})
	e.progressed()
}
