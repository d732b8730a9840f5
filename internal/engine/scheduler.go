package engine

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/guard"
)

// A scheduler runs workers that have something to do. A woken worker enters the run queue.
// At most one runner is on its way to the run queue at a time, and it wakes the next one
// before it runs a worker. So waking a worker costs a sender little, and runners seldom
// meet. A runner that finds the run queue empty looks once more before it sleeps.
//
// A scheduler is safe for concurrent use. It must be closed.
type scheduler struct {
	base *base // for the clock and the meter
	keep int   // how many idle runners to keep

	mu      sync.Mutex
	ring    []*Worker // guarded by mu; worker i is at i modulo len, a power of 2
	head    uint32    // guarded by mu
	tail    uint32    // guarded by mu
	coming  bool      // guarded by mu; a runner is on its way
	resting []*runner // guarded by mu; idle runners, used last in, first out
	closed  bool      // guarded by mu
	_       [64]byte

	woken atomic.Int32 // workers in the run queue; written under mu
}

// idleRunners is how many idle runners a pool keeps for each processor. When tasks are
// short, more workers than that are seldom busy at once. When tasks are long, a new
// goroutine costs little in comparison.
const idleRunners = 16

func newScheduler(b *base, keep int) *scheduler { return &scheduler{base: b, keep: keep} }

var _ actor.Dispatcher = (*scheduler)(nil)

// Schedule implements actor.Dispatcher, for Proto.Actor. The engine pushes its workers
// instead.
func (s *scheduler) Schedule(f func()) { go f() }

// Throughput implements actor.Dispatcher. Workers do not use it.
func (s *scheduler) Throughput() int { return 300 }

// push puts a worker into the run queue and starts a runner if needed.
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
	s.woken.Store(int32(s.tail - s.head))
}

func (s *scheduler) dequeueLocked() *Worker {
	if s.head == s.tail {
		return nil
	}
	at := &s.ring[s.head&uint32(len(s.ring)-1)]
	w := *at
	*at = nil
	s.head++
	s.woken.Store(int32(s.tail - s.head))
	return w
}

// nextRunnerLocked reports whether the caller must start a runner, and which one. A nil r
// stands for a new runner.
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

// run is the goroutine of a runner. If w is not nil, it takes over a worker from a runner
// whose goroutine has ended.
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
			s.coming, came = true, true // so that a push need not start another runner
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

// close ends the idle runners now, and the others when they become idle.
func (s *scheduler) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, r := range s.resting {
		r.wake <- false
	}
	s.resting = nil
}

// schedule makes a worker run that has been unparked.
func (s *scheduler) schedule(w *Worker) {
	if w.dispatcher == nil {
		s.push(w)
		return
	}
	// The user's dispatcher may run the worker at once, but the caller may hold locks. If it
	// fails, a runner runs the worker.
	var begun atomic.Bool
	work := func() {
		if begun.CompareAndSwap(false, true) {
			r := newRunner()
			guard.GoOn(func() { w.runs.work(r) }) // a runtime.Goexit in the worker's actor ends only a goroutine
		}
	}
	go guard.Watch(func() { w.dispatcher.Schedule(work) }, func(any) {
		if begun.CompareAndSwap(false, true) {
			s.push(w)
		}
	})
}
