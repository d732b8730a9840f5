package actors_test

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

func TestTheResultOfAFutureIsThatOfASender(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 1, actors.WithName("results"))
		worker := pool.Stats().Workers[0].ID
		first, err := pool.Submit(t.Context(), second)
		require.NoError(t, err)
		late, err := pool.Submit(t.Context(), time.Hour, actors.ID("late"), actors.Timeout(3*second), actors.Header("k", "v"))
		require.NoError(t, err)
		never, err := pool.Submit(t.Context(), time.Hour)
		require.NoError(t, err)
		_, ok := first.Result()
		assert.False(t, ok)
		time.Sleep(2 * second)
		never.Cancel()
		_, err = late.Wait(t.Context())
		require.Error(t, err)
		for f, want := range map[*actors.Future[time.Duration]]messages.Result{
			first: {TaskID: "1", Value: second, Outcome: messages.Succeeded, Worker: worker, Attempts: 1, Run: second, Pool: "results"},
			late: {
				TaskID: "late", Err: messages.ErrTaskTimeout, Outcome: messages.TimedOut, Worker: worker, Attempts: 1,
				Wait: second, Run: 2 * second, Pool: "results", Headers: map[string]string{"k": "v"},
			},
			never: {TaskID: "3", Err: messages.ErrCanceled, Outcome: messages.Canceled, Wait: 2 * second, Pool: "results"},
		} {
			got, ok := f.Result()
			assert.True(t, ok)
			assert.Equal(t, want, got)
		}
	})
}

func TestTheTimesOfAFutureAreExactAmongShortTasks(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 1)
		for range 1000 {
			require.NoError(t, pool.Tell(t.Context(), 0))
		}
		require.NoError(t, pool.Wait(t.Context()))
		pool.Pause()
		futures := make([]*actors.Future[time.Duration], 200)
		for i := range futures {
			d := time.Duration(0)
			if i == 50 {
				d = second
			}
			f, err := pool.Submit(t.Context(), d)
			require.NoError(t, err)
			futures[i] = f
		}
		pool.Resume()
		require.NoError(t, pool.Wait(t.Context()))
		for i, f := range futures {
			result, _ := f.Result()
			var wait, run time.Duration
			switch {
			case i == 50:
				run = second
			case i > 50:
				wait = second
			}
			require.Equal(t, []time.Duration{wait, run}, []time.Duration{result.Wait, result.Run}, i)
		}
	})
}

// calls records the order of calls.
type calls struct {
	mu   sync.Mutex
	made []int // guarded by mu
}

func (c *calls) add(n int) func() {
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.made = append(c.made, n)
	}
}

func (c *calls) get() []int {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]int{}, c.made...)
}

func TestOnSettledCallsOnceInOrder(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 1)
		f, err := pool.Submit(t.Context(), second)
		require.NoError(t, err)
		var c calls
		f.OnSettled(nil)
		for i := range 10 {
			f.OnSettled(func() {
				_, ok := f.Outcome()
				assert.True(t, ok)
				c.add(i)()
			})
		}
		assert.Empty(t, c.get())
		time.Sleep(2 * second)
		assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, c.get())
		f.OnSettled(c.add(10))
		f.OnSettled(c.add(11))
		assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, c.get())
	})
}

func TestOnSettledCallsAtOnceForATaskThatIsSettled(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 1)
		f, err := pool.Submit(t.Context(), 0)
		require.NoError(t, err)
		<-f.Done()
		synctest.Wait()
		var c calls
		f.OnSettled(c.add(1))
		assert.Equal(t, []int{1}, c.get())
	})
}

func TestOnSettledKeepsItsOrderAroundTheOutcome(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 2)
		for range 200 {
			f, err := pool.Submit(t.Context(), 0)
			require.NoError(t, err)
			var c calls
			for i := range 5 {
				f.OnSettled(c.add(i))
				runtime.Gosched()
			}
			require.Equal(t, []int{0, 1, 2, 3, 4}, c.get())
		}
	})
}

func TestOnSettledIsCalledForEveryOutcome(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openJobs(t, actors.WithSize(1))
		var c calls
		for i, do := range []job{idle, func(context.Context) error { return errAsked }, func(context.Context) error { panic(errAsked) }} {
			f, err := pool.Submit(t.Context(), do)
			require.NoError(t, err)
			f.OnSettled(c.add(i))
		}
		require.NoError(t, pool.Wait(t.Context()))
		running, err := pool.Submit(t.Context(), lasting(time.Hour))
		require.NoError(t, err)
		running.OnSettled(c.add(3))
		queued, err := pool.Submit(t.Context(), lasting(time.Hour))
		require.NoError(t, err)
		queued.OnSettled(c.add(4))
		synctest.Wait()
		pool.Close()
		assert.ElementsMatch(t, []int{0, 1, 2, 3, 4}, c.get())
		queued.OnSettled(c.add(5))
		assert.Contains(t, c.get(), 5, "the pool has stopped")
	})
}

// logged is a place for the text of a log.
type logged struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestAFailureOfAFunctionOfOnSettledIsLogged(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var log logged
		pool := openSleepers(t, 1, actors.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		f, err := pool.Submit(t.Context(), 0)
		require.NoError(t, err)
		var c calls
		f.OnSettled(func() { panic("ouch") })
		f.OnSettled(runtime.Goexit)
		f.OnSettled(c.add(1))
		assert.Equal(t, []int{1}, c.get())
		assert.Contains(t, log.String(), "panicked: ouch")
		assert.Contains(t, log.String(), "called runtime.Goexit")
	})
}

// A function that blocks delays those of other tasks, but no task.
func TestAFunctionOfOnSettledThatBlocksHarmsNoTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 1)
		end := make(chan struct{})
		var c calls
		before := runtime.NumGoroutine()
		for range 100 {
			f, err := pool.Submit(t.Context(), time.Millisecond)
			require.NoError(t, err)
			f.OnSettled(func() { <-end; c.add(1)() })
		}
		require.NoError(t, pool.Wait(t.Context()))
		assert.LessOrEqual(t, runtime.NumGoroutine(), before+3, "no goroutine per task")
		assert.Empty(t, c.get())
		close(end)
		assert.Len(t, c.get(), 100)
	})
}
