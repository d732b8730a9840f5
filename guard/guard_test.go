package guard_test

import (
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errOwn = errors.New("user's own")

// blocker is user code that blocks until the end of its test.
func blocker(t *testing.T) func() {
	t.Helper()
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	return func() { <-end }
}

func TestAPanicBecomesAnErrorWithItsValueAndStack(t *testing.T) {
	for name, call := range map[string]func(func()) error{
		"call":    guard.Call,
		"apart":   guard.Apart,
		"within":  func(f func()) error { return guard.Within(time.Minute, f) },
		"limited": new(guard.Limited).Call,
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, call(func() {}))
			err := call(func() { panic(errOwn) })
			require.ErrorIs(t, err, errOwn)
			assert.EqualError(t, err, "panicked: user's own")
			crash, ok := errors.AsType[*messages.PanicError](err)
			require.True(t, ok)
			assert.Contains(t, string(crash.Stack), "TestAPanicBecomesAnError")
		})
	}
}

func TestAGoexitEndsOnlyTheGoroutineOfTheCall(t *testing.T) {
	for name, call := range map[string]func(func()) error{
		"apart":   guard.Apart,
		"within":  func(f func()) error { return guard.Within(time.Minute, f) },
		"limited": new(guard.Limited).Call,
	} {
		t.Run(name, func(t *testing.T) {
			err := call(runtime.Goexit)
			require.ErrorIs(t, err, messages.ErrGoexit)
			assert.EqualError(t, err, "called runtime.Goexit")
		})
	}
}

func TestWatchTellsHowACallEnded(t *testing.T) {
	timelimit.Set(t)
	guard.Watch(func() {}, func(any) { t.Error("it returned") })
	var got any
	guard.Watch(func() { panic(errOwn) }, func(value any) { got = value })
	assert.Equal(t, errOwn, got)
	ended := make(chan any, 1)
	go guard.Watch(runtime.Goexit, func(value any) { ended <- value })
	assert.Nil(t, <-ended)
}

func TestACallThatBlocksIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		require.ErrorIs(t, guard.Within(time.Second, blocker(t)), guard.ErrBlocked)
		assert.Equal(t, time.Second, time.Since(begun))
	})
}

func TestALimitedCallThatBlocksCostsTheLimitOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l guard.Limited
		end := make(chan struct{})
		begun := time.Now()
		require.ErrorIs(t, l.Call(func() { <-end }), guard.ErrBlocked)
		assert.Equal(t, guard.Limit, time.Since(begun))
		require.ErrorIs(t, l.Call(func() { t.Error("called while another blocks") }), guard.ErrBlocked)
		assert.Equal(t, guard.Limit, time.Since(begun))
		close(end)
		synctest.Wait()
		require.NoError(t, l.Call(func() {}))
	})
}

func TestTogetherWaitsForAllWithOneLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocks, begun := blocker(t), time.Now()
		var done atomic.Int32
		var failures []error
		guard.Together(time.Second, []func(){
			blocks, func() { done.Add(1) }, func() { panic(errOwn) }, blocks,
		}, func(err error) { failures = append(failures, err) })
		assert.EqualValues(t, 1, done.Load())
		assert.Equal(t, time.Second, time.Since(begun))
		require.Len(t, failures, 3, "one has returned")
		require.ErrorIs(t, failures[0], guard.ErrBlocked)
		require.ErrorIs(t, failures[1], errOwn, "it had failed before the limit")
		require.ErrorIs(t, failures[2], guard.ErrBlocked)
		guard.Together(time.Second, nil, nil)
	})
}

func TestGoOnRunsAgainUntilItReturns(t *testing.T) {
	timelimit.Set(t)
	tries := make(chan int, 4)
	n := 0
	go guard.GoOn(func() {
		n++
		tries <- n
		if n < 3 {
			runtime.Goexit()
		}
		close(tries)
	})
	var got []int
	for try := range tries {
		got = append(got, try)
	}
	assert.Equal(t, []int{1, 2, 3}, got)
}

// mean is an error whose methods do what they are told.
type mean struct{ does func() }

func (m mean) Error() string   { m.does(); return "mean" }
func (m mean) Is(error) bool   { m.does(); return true }
func (m mean) As(any) bool     { m.does(); return false }
func (m mean) Unwrap() []error { m.does(); return []error{errOwn} }

func TestMethodsOfErrorsMayDoAnything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, does := range map[string]func(){
			"panics": func() { panic("method") }, "exits": runtime.Goexit, "blocks": blocker(t),
		} {
			err := mean{does}
			assert.False(t, guard.Is(err, errOwn), name)
			_, found := guard.As[*messages.PanicError](err)
			assert.False(t, found, name)
			assert.Contains(t, guard.Text(err), "guard_test.mean, whose text cannot be read: ", name)
		}
	})
	good := mean{func() {}}
	assert.True(t, guard.Is(good, messages.ErrCanceled))
	assert.Equal(t, "mean", guard.Text(good))
	found, ok := guard.As[mean](errors.Join(errOwn, good))
	assert.True(t, ok)
	assert.Equal(t, "mean", found.Error())
}
