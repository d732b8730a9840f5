package engine

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// A scheduler runs workers that have something to do. A worker that is woken enters the
// run queue. At most one runner is on its way to the run queue at a time, and it wakes
// the next before it runs a worker; so waking costs a sender little, and runners do not
// meet. A runner that finds the run queue empty looks once more before it sleeps.
//
// It is safe for concurrent use. It must be closed.
type scheduler struct {
	base *base // for the clock and the meter
	keep int   // how many idle runners are kept

	mu      sync.Mutex
	ring    []*Worker // guarded by mu; of worker i at i modulo len, a power of 2
	head    uint32    // guarded by mu
	tail    uint32    // guarded by mu
	coming  bool      // guarded by mu; a runner is on its way
	resting []*runner // guarded by mu; the last one that came is used first
	closed  bool      // guarded by mu
	_       [64]byte

	backlog atomic.Int32 // workers in the run queue; written under mu
}

// idleRunners is how many idle runners a pool keeps for each processor. More workers
// than that seldom become busy at once when tasks are short, and when they are long a
// new goroutine costs little beside them.
const idleRunners = 16

func newScheduler(b *base, keep int) *scheduler { return &scheduler{base: b, keep: keep} }

var _ actor.Dispatcher = (*scheduler)(nil)

// Schedule implements actor.Dispatcher, for Proto.Actor: the engine's workers are
// pushed instead.
func (s *scheduler) Schedule(f func()) { go f() }

// Throughput implements actor.Dispatcher. Workers do not ask for it.
func (s *scheduler) Throughput() int { return 300 }

// push has a worker run.
func (s *scheduler) push(w *Worker) {
	s.mu.Lock()
	s.enqueueLocked(w)
	r, wake := s.nextRunnerLocked()
	s.mu.Unlock()
	if wake {
		s.start(r)
	}
}

func (s *scheduler) enqueueLocked(w *Worker) {
	if int(s.tail-s.head) == len(s.ring) {
		longer := make([]*Worker, max(2*len(s.ring), 16))
		for i := s.head; i != s.tail; i++ {
			longer[i&uint32(len(longer)-1)] = s.ring[i&uint32(len(s.ring)-1)]
		}
		s.ring = longer
	}
	s.ring[s.tail&uint32(len(s.ring)-1)] = w
	s.tail++
	s.backlog.Store(int32(s.tail - s.head))
}

func (s *scheduler) dequeueLocked() *Worker {
	if s.head == s.tail {
		return nil
	}
	at := &s.ring[s.head&uint32(len(s.ring)-1)]
	w := *at
	*at = nil
	s.head++
	s.backlog.Store(int32(s.tail - s.head))
	return w
}

// nextRunnerLocked says whether the caller is to start a runner, and which: nil stands
// for a new one.
func (s *scheduler) nextRunnerLocked() (r *runner, start bool) {
	if s.coming || s.head == s.tail {
		return nil, false
	}
	s.coming = true
	if last := len(s.resting) - 1; last >= 0 {
		r = s.resting[last]
		s.resting[last] = nil
		s.resting = s.resting[:last]
	}
	return r, true
}

func (s *scheduler) start(r *runner) {
	if r != nil {
		r.wake <- true
		return
	}
	go s.run(newRunner(), true, nil)
}

// run is the goroutine of a runner. If w is not nil, another runner was running it when
// its goroutine ended.
func (s *scheduler) run(r *runner, came bool, w *Worker) {
	running := w
	defer func() {
		if running != nil { // runtime.Goexit in the worker's actor: another goroutine goes on
			go s.run(r, false, running)
		}
	}()
	looked := false
	for {
		if w != nil {
			running = w
			w.runs.work(r)
			running, w = nil, nil
			looked = false
			continue
		}
		s.mu.Lock()
		if came {
			s.coming, came = false, false
		}
		w = s.dequeueLocked()
		if w != nil {
			next, start := s.nextRunnerLocked()
			s.mu.Unlock()
			if start {
				s.start(next)
			}
			continue
		}
		r.rest(s.base)
		if !looked && !s.coming && !s.closed {
			looked = true
			s.coming, came = true, true // whoever pushes need not start another
			s.mu.Unlock()
			runtime.Gosched()
			continue
		}
		looked = false
		if s.closed || len(s.resting) >= s.keep {
			s.mu.Unlock()
			return
		}
		s.resting = append(s.resting, r)
		s.mu.Unlock()
		if !<-r.wake {
			return
		}
		came = true
	}
}

// close ends the idle runners, and those that are not as soon as they are.
func (s *scheduler) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, r := range s.resting {
		r.wake <- false
	}
	s.resting = nil
}

// schedule has a worker run that was unparked.
func (s *scheduler) schedule(w *Worker) {
	if w.dispatcher == nil {
		s.push(w)
		return
	}
	// The user's dispatcher may run the worker at once, and locks may be held here.
	go w.dispatcher.Schedule(func() { runApart(w, newRunner()) })
}

// runApart runs a worker on a goroutine of the user's dispatcher.
func runApart(w *Worker, r *runner) {
	done := false
	defer func() {
		if !done { // runtime.Goexit in the worker's actor: another goroutine goes on
			go runApart(w, r)
		}
	}()
	w.runs.work(r)
	done = true
}
