package runners_test

import (
	"bytes"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/internal/runners"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// goroutine is the "goroutine 7" of the one that calls it.
func goroutine() string {
	stack := make([]byte, 64)
	stack = stack[:runtime.Stack(stack, false)]
	return string(stack[:bytes.IndexByte(stack, '[')])
}

// runOn runs a function, waits until its goroutine is idle and returns which
// one that was. It is for bubbles.
func runOn(d *runners.Dispatcher) (id string) {
	d.Schedule(func() { id = goroutine() })
	synctest.Wait()
	return id
}

func TestIdleGoroutineIsReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := runners.New(1)
		defer d.Close()
		first := runOn(d)
		require.NotEqual(t, goroutine(), first)
		for range 10 {
			require.Equal(t, first, runOn(d))
		}
	})
}

func TestNoneIsKeptBeyondTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := runners.New(0)
		defer d.Close()
		assert.NotEqual(t, runOn(d), runOn(d))

		d = runners.New(2)
		defer d.Close()
		gate := make(chan struct{})
		var mu sync.Mutex
		first := map[string]bool{} // the goroutines of five functions at a time
		for range 5 {
			d.Schedule(func() {
				mu.Lock()
				first[goroutine()] = true
				mu.Unlock()
				<-gate
			})
		}
		synctest.Wait()
		require.Len(t, first, 5, "functions must not wait for each other")
		close(gate)
		synctest.Wait()

		reused := 0
		gate = make(chan struct{})
		for range 5 {
			d.Schedule(func() {
				mu.Lock()
				if first[goroutine()] {
					reused++
				}
				mu.Unlock()
				<-gate
			})
		}
		synctest.Wait()
		close(gate)
		synctest.Wait()
		assert.Equal(t, 2, reused)
	})
}

func TestEveryFunctionRunsOnce(t *testing.T) {
	d := runners.New(3)
	const senders, each = 8, 2000
	ran := make([][each]int, senders)
	var done, sent sync.WaitGroup
	done.Add(senders * each)
	for s := range senders {
		sent.Go(func() {
			for i := range each {
				d.Schedule(func() { ran[s][i]++; done.Done() })
			}
		})
	}
	sent.Wait()
	done.Wait()
	d.Close()
	for s := range ran {
		for i := range ran[s] {
			require.Equal(t, 1, ran[s][i])
		}
	}
}

// The bubble ends only when every goroutine in it has, so each of these tests
// fails with a deadlock if Close leaves one behind.

func TestCloseEndsIdleGoroutines(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		d := runners.New(4)
		for range 4 {
			d.Schedule(func() {})
		}
		synctest.Wait()
		d.Close()
		d.Close() // a second time does no harm
	})
}

func TestCloseEndsBusyGoroutinesAfterTheirFunctions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := runners.New(4)
		gate, ended := make(chan struct{}), false
		d.Schedule(func() { <-gate; ended = true })
		synctest.Wait()
		d.Close()
		require.False(t, ended)
		close(gate)
		synctest.Wait()
		assert.True(t, ended)
	})
}

func TestScheduleAfterCloseRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := runners.New(4)
		before := runOn(d)
		d.Close()
		after := runOn(d)
		assert.NotEmpty(t, after)
		assert.NotEqual(t, before, after)
	})
}

// A handler may end its goroutine by runtime.Goexit, as testing's FailNow does.
func TestGoexitLosesNoFurtherFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := runners.New(4)
		defer d.Close()
		lost := runOn(d)
		d.Schedule(func() { runtime.Goexit() })
		synctest.Wait()
		for range 5 {
			id := runOn(d)
			require.NotEmpty(t, id)
			require.NotEqual(t, lost, id)
		}
	})
}
