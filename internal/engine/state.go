package engine

import (
	"context"
	"log/slog"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/guard"
)

// A State is what a worker keeps between tasks: a connection, say, or a browser.
type State struct {
	Value any          // what Context.State returns
	Close func() error // called once; nil: there is nothing to close
}

// CloseApart calls Close, which is user code: it may take any time, and it runs on a goroutine
// of its own, which it may end. The error says if it has failed in any way.
func (s State) CloseApart() (err error) {
	if s.Close == nil {
		return nil
	}
	if failed := guard.Apart(func() { err = s.Close() }); failed != nil {
		return failed
	}
	return err
}

// A workerState has the state of one worker. Only the goroutine that runs the worker makes,
// uses and closes it, so a state is never closed while a handler uses it.
type workerState struct {
	State
	open bool               // there is a state
	end  context.CancelFunc // ends the context of the state; set while open

	mu     sync.Mutex
	making context.CancelFunc // guarded by mu; ends the context of the state that is being made; nil: none is
	over   bool               // guarded by mu; the worker has been told to stop: no further state is made
}

// interrupt tells the worker that it is to stop. It ends the context of a state that is
// being made. A state that is in use keeps its context until it has been closed.
func (s *workerState) interrupt() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	if s.making != nil {
		s.making()
	}
}

// begin records that a state is being made. It returns false if the worker is to stop.
func (s *workerState) begin(cancel context.CancelFunc) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.making = cancel
	}
	return !s.over
}

func (s *workerState) made() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.making = nil
}

// make calls produce, which is user code and may panic or end the goroutine. It does
// nothing if the worker is to stop.
func (s *workerState) make(worker string, produce func(context.Context) (State, error)) error {
	ctx, end := context.WithCancel(context.WithValue(context.Background(), workerKey{}, worker))
	defer func() {
		s.made()
		if !s.open {
			end()
		}
	}()
	if !s.begin(end) {
		return nil
	}
	state, err := produce(ctx)
	if err == nil {
		s.State, s.open, s.end = state, true, end
	}
	return err
}

// workerKey is the key of the worker's ID in the context of its state.
type workerKey struct{}

// WorkerID returns the ID of the worker that a context belongs to: the context of a handler,
// or of Config.Produce. Otherwise it returns "".
func WorkerID(ctx context.Context) string {
	if c := FromContext(ctx); c != nil {
		return c.hand.worker
	}
	id, _ := ctx.Value(workerKey{}).(string)
	return id
}

// State returns the value of the worker's state.
func (c *Context) State() any { return c.hand.state.Value }

// openState makes the worker's state, unless the worker has one or needs none. If that fails,
// openState returns false, and for the supervisor the actor has failed at its start.
func (w *workerMailbox) openState() bool {
	s := w.hand.state
	if s == nil || s.open {
		return true
	}
	w.doing = new(actor.Started)
	defer w.beginStart()()
	if err := s.make(w.hand.worker, w.engine.cfg.Produce); err != nil {
		w.failStart(err)
		return false
	}
	w.doing = nil
	return s.open
}

// stateless reports whether the worker must make its state before its next task: a state is
// closed when its worker has been idle for too long, and a worker may be resumed after a
// failed start. It changes only on the goroutine that runs the worker.
func (w *Worker) stateless() bool { return w.hand.state != nil && !w.hand.state.open }

// opensLocked reports whether a stateless worker makes its state next, since a task waits for
// it.
// The task stays in the queue meanwhile, for other workers.
func (w *Worker) opensLocked(q *taskQueue) bool {
	own := w.rare != nil && (len(w.rare.pins) > 0 || w.rare.copies.Len() > 0) // no other worker could have these
	if q.paused || !w.ableLocked() || q.liveLocked() <= 0 && !own &&
		(q.late == nil || q.late.shunned.firstForLocked(w) == nil) {
		return false
	}
	if q.late != nil && !own {
		w.opening = true
		q.late.opening++
	}
	return true
}

// openedLocked ends what opensLocked has begun, unless that was done before.
func (w *Worker) openedLocked(q *taskQueue) {
	if w.opening {
		w.opening = false
		q.late.opening--
	}
}

// openForTask makes the state that the next task needs.
func (w *workerMailbox) openForTask(r *runner) {
	r.time(&w.engine.base, &w.pace, w.shard())
	guard.Watch(func() { w.startLife() }, w.fail)
}

// closeState closes the worker's state, if it has one.
func (w *workerMailbox) closeState() {
	s := w.hand.state
	if s == nil || !s.open {
		return
	}
	closing, end := s.State, s.end
	s.State, s.open, s.end = State{}, false, nil
	w.endLife()
	defer end()
	if err := closing.CloseApart(); err != nil {
		w.engine.deliver.Log(slog.LevelError, "state of a worker not closed", "worker", w.hand.worker, "error", err)
	}
}

// endLife cancels the alarms of a state that is about to be closed, or of an actor.
func (w *workerMailbox) endLife() {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	if x := w.renewal(); x != nil {
		x.stopLocked()
	}
}
