package supervision

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/internal/backoff"
	"github.com/troupe-go/troupe/internal/restarts"
	"github.com/troupe-go/troupe/internal/timelimit"
)

var (
	first, second = actor.NewPID("local", "1"), actor.NewPID("local", "2")
	doubling      = restarts.Delays{Backoff: backoff.Backoff{Min: time.Second, Max: time.Minute}, ResetAfter: time.Hour}
)

// schedule plans restarts of the worker and others, and counts them in n.
func schedule(r *delayedRestarts, n *atomic.Int64, failed *actor.PID, others ...*actor.PID) {
	r.schedule(doubling, failed, append(others, failed), func() { n.Add(1) })
}

// after returns what n is after the time d.
func after(d time.Duration, n *atomic.Int64) int64 {
	time.Sleep(d)
	synctest.Wait()
	return n.Load()
}

func TestDelaysGrowUntilAWorkerIsQuiet(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		var r delayedRestarts
		r.start()
		var n atomic.Int64
		for i, delay := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
			schedule(&r, &n, first)
			assert.EqualValues(t, i, after(delay-1, &n))
			assert.EqualValues(t, i+1, after(1, &n))
		}
		time.Sleep(time.Hour)
		schedule(&r, &n, first)
		assert.EqualValues(t, 4, after(time.Second, &n), "the first delay again")
	})
}

func TestARestartOfAllCancelsTheOthers(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		var r delayedRestarts
		r.start()
		var n atomic.Int64
		schedule(&r, &n, second)
		schedule(&r, &n, second) // in two seconds
		schedule(&r, &n, first, second)
		assert.EqualValues(t, 1, after(time.Hour, &n))
	})
}

func TestNoRestartComesAfterCancelOrStop(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		var r delayedRestarts
		r.start()
		var n atomic.Int64
		schedule(&r, &n, first)
		r.cancel(first)
		schedule(&r, &n, second)
		r.stop()
		schedule(&r, &n, first)
		assert.Zero(t, after(time.Hour, &n))
		r.start()
		schedule(&r, &n, first)
		assert.EqualValues(t, 1, after(time.Hour, &n))
	})
}
