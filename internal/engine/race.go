package engine

import (
	"slices"
	"sync"

	"github.com/troupe-go/troupe/messages"
)

// A race is one attempt of a task that runs in several copies, each on another worker. The
// task itself runs on its home, the worker that has claimed it, and the copies run beside.
// Only the task is in the ledger. The first success settles it and cancels the others. If all
// fail, the attempt fails with the first failure.
//
// A copy does not wait in a queue but in a list of its worker, which starts it before its next
// task. So there are at most as many copies as tasks in hand, for each worker.
type race struct {
	engine *Engine
	task   *Task
	word   word  // of the task while it runs at home
	seed   *Task // of which copies are made, since the task itself may be cleared meanwhile
	home   *workerMailbox
	next   alarmEntry // when another copy begins

	mu      sync.Mutex
	over    bool       // guarded by mu; no further copy begins or counts
	won     bool       // guarded by mu; it is over since a copy has succeeded
	tried   []*Worker  // guarded by mu; those that have had the task or a copy
	copies  []*copyRun // guarded by mu; those that have not ended
	first   *failure   // guarded by mu; nil: none has failed
	parked  *Holding   // guarded by mu; the task after it has failed at home; nil: it has not
	answers *hand      // guarded by mu; whose answer the sender gets; nil: none has answered
}

// A failure says how the task or a copy has failed.
type failure struct {
	outcome messages.Outcome
	err     error
	crash   *messages.PanicError
	reply   reply
}

// judged reports whether a policy decides what follows the failure. An error that names another
// outcome settles the task.
func (f *failure) judged() bool {
	return f.outcome == messages.Failed || f.outcome == messages.Panicked
}

// beginRace begins a race for the task that a worker is about to run.
func (e *Engine) beginRace(w *workerMailbox, t *Task) {
	plan, h := e.races.plan, &w.hand
	if t.pinned() || plan.once && !t.idempotent() || len(e.roster.view.Load().eligible) < 2 {
		return
	}
	r := &race{engine: e, task: t, word: h.word, seed: seedOf(t), home: w, tried: []*Worker{&w.Worker}}
	r.next.Value = r
	h.mu.Lock()
	interrupted := h.interrupted
	if !interrupted { // else nobody would stop the race
		h.special.race = r
	}
	h.mu.Unlock()
	switch {
	case interrupted:
	case plan.all:
		r.spread()
	default:
		e.timer.addAlarm(&r.next, later(e.now(), plan.after))
	}
}

// seedOf returns a copy of a task, of which others are made.
func seedOf(t *Task) *Task {
	seed := t.body.Copy()
	seed.due = t.due
	if x := t.extra; x != nil {
		seed.extra = &extra{id: x.id, key: x.key, headers: x.headers, priority: x.priority}
	}
	return seed
}

// spread gives each worker a copy.
func (r *race) spread() {
	r.mu.Lock()
	var wakes []*Worker
	for !r.over {
		wake, started := r.startLocked()
		if !started {
			break
		}
		wakes = append(wakes, wake)
	}
	r.mu.Unlock()
	r.schedule(wakes...)
}

// due implements alarm: another copy begins.
func (r *race) due(now int64) {
	e, plan := r.engine, r.engine.races.plan
	r.mu.Lock()
	var wake *Worker
	if !r.over {
		var started bool
		wake, started = r.startLocked()
		if started != plan.once { // another one may follow, or no worker was idle
			e.timer.addAlarm(&r.next, later(now, plan.after))
		}
	}
	r.mu.Unlock()
	r.schedule(wake)
}

func (r *race) schedule(wakes ...*Worker) {
	for _, w := range wakes {
		if w != nil {
			r.engine.sched.schedule(w)
		}
	}
}

// startLocked gives one more worker a copy: an idle one, if there is one. It returns false if
// there is no worker for it, and a worker to schedule or nil.
func (r *race) startLocked() (wake *Worker, started bool) {
	for {
		w := r.nextLocked()
		if w == nil {
			return nil, false
		}
		if wake, started = r.giveLocked(w); started {
			return wake, true
		}
	}
}

// nextLocked returns the worker that gets the next copy, or nil.
func (r *race) nextLocked() (other *Worker) {
	for _, w := range r.engine.roster.view.Load().eligible {
		if slices.Contains(r.tried, w) {
			continue
		}
		if w.isIdle() {
			return w
		}
		if other == nil && !r.engine.races.plan.once {
			other = w
		}
	}
	return other
}

// giveLocked gives a worker a copy. It returns false if the worker leaves.
func (r *race) giveLocked(w *Worker) (wake *Worker, started bool) {
	c := newCopyRun(r, w)
	r.tried = append(r.tried, w)
	q := w.q
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.leaving.Load() {
		return nil, false
	}
	r.copies = append(r.copies, c)
	c.listed = true
	w.rareLocked().copies.Push(&c.link)
	if w.wakeOwnLocked(q) {
		return w, true
	}
	return nil, true
}

// startNextLocked starts another copy at once, after a failure, if the plan has one worker after
// another try. It returns a worker to schedule, or nil.
func (r *race) startNextLocked() (wake *Worker) {
	if plan := r.engine.races.plan; !plan.all && !plan.once {
		wake, _ = r.startLocked()
	}
	return wake
}

func (r *race) noteLocked(f failure) {
	if r.first == nil {
		r.first = &f
	}
}

// takeFirst returns, once, the failure that the attempt has ended with; nil: none has been noted.
func (r *race) takeFirst() *failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.takeFirstLocked()
}

func (r *race) takeFirstLocked() *failure {
	f := r.first
	r.first = nil
	if f != nil && r.answers != nil { // whoever has answered, the sender has its answer
		f.reply = reply{given: true}
	}
	return f
}

// ended handles the end of a copy. It reports whether the copy has settled the task.
func (r *race) ended(c *copyRun, f failure, value any) bool {
	r.mu.Lock()
	r.copies = slices.DeleteFunc(r.copies, func(other *copyRun) bool { return other == c })
	if r.over {
		r.mu.Unlock()
		return false
	}
	if f.outcome == messages.Succeeded {
		r.over, r.won = true, true
		r.mu.Unlock()
		return r.win(c, f.reply, value)
	}
	if f.outcome != 0 { // else its worker has not run it to its end
		r.noteLocked(f)
	}
	wake := r.startNextLocked()
	lost := len(r.copies) == 0 && r.parked != nil
	var first *failure
	if lost {
		r.over, first = true, r.takeFirstLocked()
	}
	r.mu.Unlock()
	r.schedule(wake)
	if lost {
		r.engine.timer.removeAlarm(&r.next)
		r.engine.failParked(r.parked, first)
	}
	return false
}

// win settles the task, since a copy has succeeded, and cancels the others. It returns false if
// the task has been settled in another way.
func (r *race) win(c *copyRun, said reply, value any) bool {
	e := r.engine
	var then after
	if !e.end(r.task, r.word.sequence(), messages.Succeeded, nil, messages.ErrCanceled, &then) {
		return false
	}
	s := &then.settled[0]
	s.Value, s.Worker, s.reply = value, c.worker.hand.worker, said
	then.run(e.sched)
	e.progressed()
	return true
}

// answer reports whether the sender gets the answer that the actor with the hand h is about to
// give: it is the first one. h is that of the task's home, or of a copy's worker. settled says
// that this actor has settled the task, and so has ended the race.
func (r *race) answer(h *hand, settled bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answers == nil && (settled || !r.over) {
		r.answers = h
	}
	return r.answers == h
}

// stop ends the race: the attempt is over. It cancels the copies that have not ended.
func (r *race) stop() {
	r.mu.Lock()
	copies := r.copies
	r.over, r.copies = true, nil
	r.mu.Unlock()
	r.engine.timer.removeAlarm(&r.next)
	var then after
	for _, c := range copies {
		c.cancel(&then)
	}
	then.run(r.engine.sched)
}

func (r *race) isOver() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.over
}
