package lanes_test

import (
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/lanes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// calls records what the lanes call.
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
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.made)
}

func TestCallsForOneRecipientKeepTheirOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ends := rapid.SliceOf(rapid.SampledFrom([]string{"returns", "panics", "exits"})).Draw(rt, "ends")
		var l lanes.Lanes
		var c calls
		for i, end := range ends {
			l.Do("one", func() {
				c.add(i)()
				switch end {
				case "panics":
					panic(end)
				case "exits":
					runtime.Goexit()
				}
			})
		}
		done := make(chan struct{})
		l.Do("one", func() { close(done) })
		<-done
		made := c.get()
		assert.Len(rt, made, len(ends))
		assert.True(rt, slices.IsSorted(made))
	})
}

func TestACallThatBlocksHoldsUpItsOwnRecipientOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lanes.Lanes
		var c calls
		end := make(chan struct{})
		assert.True(t, l.Idle())
		l.Do("blocked", func() { <-end })
		l.Do("blocked", c.add(3))
		l.Do("free", c.add(1))
		synctest.Wait()
		assert.Equal(t, []int{1}, c.get())
		assert.False(t, l.Idle())
		assert.False(t, l.Behind("free", c.add(0)), "nothing waits there")
		assert.True(t, l.Behind("blocked", c.add(4)))
		close(end)
		synctest.Wait()
		assert.Equal(t, []int{1, 3, 4}, c.get())
		assert.True(t, l.Idle())
	})
}

func TestALimitDropsCallsAndCountsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c calls
		missed := 0
		l := lanes.Lanes{Limit: 2, Missed: func(who any, n int) { missed += n; assert.Equal(t, "one", who) }}
		end := make(chan struct{})
		l.Do("one", func() { <-end })
		synctest.Wait()
		for i := range 5 {
			l.Do("one", c.add(i))
		}
		close(end)
		synctest.Wait()
		assert.Equal(t, []int{0, 1}, c.get())
		assert.Equal(t, 3, missed)
	})
}

func TestAFailureIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failures []string
		l := lanes.Lanes{Failed: func(who any, err error) { failures = append(failures, who.(string)+" "+err.Error()) }}
		l.Do("one", func() { panic("ouch") })
		l.Do("one", runtime.Goexit)
		synctest.Wait()
		assert.Equal(t, []string{"one panicked: ouch", "one called runtime.Goexit"}, failures)
	})
}

func TestDoAndWaitWaitsOnceForARecipientThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lanes.Lanes
		var c calls
		begun := time.Now()
		l.DoAndWait("one", c.add(1))
		assert.Equal(t, []int{1}, c.get())
		assert.Zero(t, time.Since(begun))
		end := make(chan struct{})
		l.DoAndWait("one", func() { <-end })
		assert.Equal(t, guard.Limit, time.Since(begun))
		l.DoAndWait("one", c.add(2))
		assert.Equal(t, guard.Limit, time.Since(begun), "it did not wait again")
		close(end)
		synctest.Wait()
		assert.Equal(t, []int{1, 2}, c.get())
		full := lanes.Lanes{Limit: 1}
		stuck := make(chan struct{})
		full.Do("one", func() { <-stuck })
		synctest.Wait()
		full.Do("one", func() {})
		full.DoAndWait("one", func() { t.Error("there was no room for it") })
		assert.Equal(t, guard.Limit, time.Since(begun), "it did not wait for a call that is not made")
		close(stuck)
		synctest.Wait()

		l.DoAndWait("one", func() { time.Sleep(time.Millisecond) })
		assert.Equal(t, guard.Limit+time.Millisecond, time.Since(begun), "it waits as before")
	})
}
