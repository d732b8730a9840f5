package engine

import (
	"math"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// readers are workers that note the messages they read. A worker is run by one
// goroutine at a time, so no lock guards what it notes.
func readers(e *Engine, n int, read func(w int, message any)) ([]*Worker, [][]any) {
	workers, seen := seat(e, n), make([][]any, n)
	for i, w := range workers {
		mailboxOf(w).invoker.(*invoker).read = func(message any) {
			seen[i] = append(seen[i], message)
			if read != nil {
				read(i, message)
			}
		}
	}
	return workers, seen
}

func TestTheRunQueueIsFirstInFirstOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newScheduler(nil, 0)
		s.head = rapid.SampledFrom([]uint32{0, math.MaxUint32 - 5}).Draw(t, "head")
		s.tail = s.head
		var model []*Worker
		t.Repeat(map[string]func(*rapid.T){
			"enqueue": func(t *rapid.T) {
				for range rapid.IntRange(1, 20).Draw(t, "n") {
					w := new(Worker)
					s.enqueueLocked(w)
					model = append(model, w)
				}
			},
			"dequeue": func(t *rapid.T) {
				for range rapid.IntRange(1, 20).Draw(t, "n") {
					var want *Worker
					if len(model) > 0 {
						want, model = model[0], model[1:]
					}
					require.Same(t, want, s.dequeueLocked())
				}
			},
			"": func(t *rapid.T) { require.EqualValues(t, len(model), s.woken.Load()) },
		})
	})
}

func TestAtMostOneRunnerIsOnItsWay(t *testing.T) {
	s := newScheduler(nil, 0)
	_, start := s.nextRunnerLocked()
	assert.False(t, start, "there is nothing to run")
	s.enqueueLocked(new(Worker))
	s.enqueueLocked(new(Worker))
	_, start = s.nextRunnerLocked()
	assert.True(t, start)
	_, start = s.nextRunnerLocked()
	assert.False(t, start)
}

func TestTheRunnerThatRestedLastIsUsedFirst(t *testing.T) {
	s := newScheduler(nil, 2)
	first, last := newRunner(), newRunner()
	s.resting = []*runner{first, last}
	for _, want := range []*runner{last, first, nil} {
		s.coming = false
		s.enqueueLocked(new(Worker))
		r, start := s.nextRunnerLocked()
		require.True(t, start)
		require.Same(t, want, r)
	}
}

func TestEveryWorkerThatIsPushedRuns(t *testing.T) {
	const workers, senders, each = 60, 4, 25
	for _, d := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
		timelimit.Bubble(t, func(t *testing.T) {
			e := newEngine(t, d)
			list, seen := readers(e, workers, nil)
			var all sync.WaitGroup
			for sender := range senders {
				all.Go(func() {
					for i := range each {
						for _, w := range list {
							mailboxOf(w).PostUserMessage([2]int{sender, i})
						}
					}
				})
			}
			all.Wait()
			synctest.Wait()
			for i := range seen {
				require.Len(t, seen[i], senders*each)
				next := [senders]int{}
				for _, message := range seen[i] {
					sender, n := message.([2]int)[0], message.([2]int)[1]
					require.Equal(t, next[sender], n, "each sender's messages come in order")
					next[sender]++
				}
			}
			assert.Zero(t, e.sched.woken.Load())
			e.sched.mu.Lock()
			defer e.sched.mu.Unlock()
			assert.False(t, e.sched.coming)
			assert.LessOrEqual(t, len(e.sched.resting), idleRunners*runtime.GOMAXPROCS(0))
		})
	}
}

func TestWorkersRunSideBySide(t *testing.T) {
	const workers = 40
	timelimit.Bubble(t, func(t *testing.T) {
		e := newEngine(t, router.LeastBusy())
		var together sync.WaitGroup
		together.Add(workers)
		list, _ := readers(e, workers, func(int, any) { together.Done(); together.Wait() })
		for _, w := range list {
			mailboxOf(w).PostUserMessage("meet")
		}
		together.Wait()
	})
}

func TestAnotherGoroutineGoesOnAfterGoexit(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		e := newEngine(t, router.LeastBusy())
		list, seen := readers(e, 3, func(_ int, message any) {
			if message == "exit" {
				runtime.Goexit()
			}
		})
		for _, w := range list {
			for _, message := range []string{"before", "exit", "exit", "after"} {
				mailboxOf(w).PostUserMessage(message)
			}
		}
		synctest.Wait()
		for i, w := range list {
			assert.Equal(t, []any{"before", "exit", "exit", "after"}, seen[i])
			assert.Equal(t, []any{messages.ErrGoexit, messages.ErrGoexit}, mailboxOf(w).invoker.(*invoker).failures)
		}
	})
}

func TestNoMoreRunnersRestThanAreKept(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		e := newEngine(t, router.LeastBusy())
		e.sched.keep = 2
		hold := make(chan struct{})
		list, _ := readers(e, 10, func(int, any) { <-hold })
		for _, w := range list {
			mailboxOf(w).PostUserMessage("wait")
		}
		synctest.Wait()
		close(hold)
		synctest.Wait()
		e.sched.mu.Lock()
		defer e.sched.mu.Unlock()
		assert.Len(t, e.sched.resting, 2)
	})
}

// A bubble ends only when all its goroutines have.
func TestCloseEndsTheRunnersAndLateWorkersStillRun(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		e := newEngine(t, router.LeastBusy())
		hold := make(chan struct{})
		list, seen := readers(e, 3, func(_ int, message any) {
			if message == "wait" {
				<-hold
			}
		})
		mailboxOf(list[0]).PostUserMessage("brief")
		mailboxOf(list[1]).PostUserMessage("wait")
		synctest.Wait()
		e.sched.close()
		mailboxOf(list[2]).PostUserMessage("late")
		synctest.Wait()
		close(hold)
		synctest.Wait()
		assert.Equal(t, [][]any{{"brief"}, {"wait"}, {"late"}}, seen)
		assert.Empty(t, e.sched.resting)
	})
}
