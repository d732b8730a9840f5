package engine

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

var errAgain = errors.New("try again")

func retrying(cfg *Config) {
	cfg.Retry = router.Retry{Attempts: 3, Min: time.Second, Max: time.Hour, On: router.AnyError}
}

// A record has the names of the jobs that have begun.
type record struct {
	mu    sync.Mutex
	names []string // guarded by mu
}

func (r *record) add(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names = append(r.names, name)
}

// take returns the names since it was called last.
func (r *record) take() []string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	names := r.names
	r.names = nil
	return names
}

// script makes a job that asks for further attempts after the given delays.
func (r *record) script(name string, delays ...time.Duration) *job {
	return newJob(func(*Context) error {
		r.add(name)
		if len(delays) == 0 {
			return nil
		}
		next := delays[0]
		delays = delays[1:]
		return messages.RetryAfter(next)
	})
}

func TestARetryStartsWhenItIsDue(t *testing.T) {
	for _, d := range []router.Dispatch{router.LeastBusy(), router.RoundRobin(), router.ConsistentHash()} {
		timelimit.Bubble(t, func(t *testing.T) {
			e := newEngine(t, d, retrying)
			seat(e, 2)
			var attempts atomic.Int64
			j := newJob(func(ctx *Context) error {
				assert.EqualValues(t, attempts.Add(1), ctx.Attempt())
				return errAgain
			})
			require.NoError(t, submit(e, j, &Spec{Key: "k"}))
			pass(time.Second - 1)
			assert.EqualValues(t, 1, attempts.Load())
			s := e.Stats()
			assert.True(t, s.Balanced())
			assert.Equal(t, []int64{1, 1, 0}, []int64{s.Queued, s.Delayed, s.Running})
			pass(1)
			assert.EqualValues(t, 2, attempts.Load())
			pass(2*time.Second - 1)
			assert.EqualValues(t, 2, attempts.Load(), "the delay doubles")
			assert.Empty(t, j.told())
			pass(1)
			assert.Equal(t, []messages.Outcome{messages.Failed}, j.told())
			s = e.Stats()
			assert.True(t, s.Balanced())
			assert.Equal(t, []int64{0, 0, 2, 1}, []int64{s.Queued, s.Delayed, s.Retries, s.Failed})
		})
	}
}

func TestDelayedTasksComeInTheOrderTheyAreDue(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		e := newEngine(t, router.LeastBusy(), retrying)
		seat(e, 1)
		var began record
		for name, delay := range map[string]time.Duration{"c": 3 * time.Second, "a": time.Second, "b": 2 * time.Second} {
			require.NoError(t, submit(e, began.script(name, delay), &Spec{}))
		}
		began.take()
		assert.EqualValues(t, 3, e.delays.count.Load())
		pass(time.Hour)
		assert.Equal(t, []string{"a", "b", "c"}, began.take())
		assert.Zero(t, e.delays.count.Load())
	})
}

func TestARetryQueuesBehindWhatWasAcceptedBefore(t *testing.T) {
	for _, d := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
		timelimit.Bubble(t, func(t *testing.T) {
			e := newEngine(t, d, retrying)
			seat(e, 1)
			var began record
			require.NoError(t, submit(e, began.script("retry", time.Second), &Spec{}))
			synctest.Wait()
			e.Pause()
			require.NoError(t, submit(e, began.script("before"), &Spec{}))
			pass(time.Second)
			require.NoError(t, submit(e, began.script("after"), &Spec{}))
			e.stopWorld(func() { e.queuesLocked(func(q *taskQueue) { q.recallAllLocked() }) })
			e.Resume()
			synctest.Wait()
			assert.Equal(t, []string{"retry", "before", "retry", "after"}, began.take())
		})
	}
}

func TestADelayedTaskCanBeCanceledButNotWithdrawn(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		e := newEngine(t, router.LeastBusy(), retrying)
		seat(e, 1)
		var began record
		j := began.script("retry", time.Second)
		require.NoError(t, submit(e, j, &Spec{}))
		synctest.Wait()
		assert.False(t, e.Withdraw(&j.task, messages.ErrCanceled), "it has been started")
		e.Cancel(&j.task, messages.ErrCanceled)
		assert.Equal(t, []messages.Outcome{messages.Canceled}, j.told())
		e.Cancel(&j.task, messages.ErrCanceled)
		pass(time.Hour)
		assert.Equal(t, []string{"retry"}, began.take())
		assert.Len(t, j.told(), 1)
		s := e.Stats()
		assert.True(t, s.Balanced())
		assert.EqualValues(t, 1, s.Canceled)
	})
}

func TestADelayedTaskTimesOut(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		e := newEngine(t, router.RoundRobin(), retrying)
		workers := seat(e, 2)
		var began record
		j := began.script("once", time.Second)
		require.NoError(t, submit(e, j, &Spec{Timeout: 2 * time.Second}))
		synctest.Wait()
		e.Pause() // so it is due, and not begun
		pass(2 * time.Second)
		assert.Equal(t, []messages.Outcome{messages.TimedOut}, j.told(), "wherever its deadline was kept")
		assert.Equal(t, []string{"once"}, began.take())
		for _, w := range workers {
			assert.Zero(t, w.q.liveLocked())
		}
	})
}

func TestDelayedTasksTakeRoom(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		e := newEngine(t, router.LeastBusy(), retrying, withCapacity(1))
		seat(e, 1)
		var began record
		require.NoError(t, submit(e, began.script("retry", time.Second), &Spec{}))
		synctest.Wait()
		e.Pause()
		require.ErrorIs(t, submit(e, began.script("more"), &Spec{}), messages.ErrQueueFull)
		e.Resume()
		require.NoError(t, submit(e, began.script("more"), &Spec{}), "for the idle worker")
		pass(time.Hour)
		assert.Equal(t, []string{"retry", "more", "retry"}, began.take())
	})
}

func TestACloseDropsDelayedTasks(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		e := newEngine(t, router.LeastBusy(), retrying)
		seat(e, 1)
		var began record
		jobs := []*job{began.script("a", time.Second), began.script("b", time.Minute)}
		for _, j := range jobs {
			require.NoError(t, submit(e, j, &Spec{}))
		}
		synctest.Wait()
		e.Close()
		for _, j := range jobs {
			assert.Equal(t, []messages.Outcome{messages.Dropped}, j.told())
		}
		pass(time.Hour)
		assert.Len(t, began.take(), 2)
		assert.EqualValues(t, 2, e.Stats().Dropped)
	})
}

func TestAPinnedRetryIsDroppedWithItsWorker(t *testing.T) {
	for _, d := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
		timelimit.Bubble(t, func(t *testing.T) {
			e := newEngine(t, d, retrying)
			workers := seat(e, 2)
			var began record
			j := began.script("pinned", time.Second)
			e.world(func(then *after) {
				e.pinNewLocked(&j.task, &Spec{}, workers[0])
				e.wakeForTaskLocked(workers[0].q, workers[0], then)
			})
			synctest.Wait()
			require.Len(t, began.take(), 1)
			e.RetireWorker(workers[0].pid)
			e.Remove(workers[0].pid)
			pass(time.Hour)
			assert.Equal(t, []messages.Outcome{messages.Dropped}, j.told())
			assert.True(t, e.Stats().Balanced())
		})
	}
}
