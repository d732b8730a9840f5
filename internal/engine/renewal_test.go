package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/router"
)

// start begins the life of a state.
func (x *renewal) start(e *Engine) {
	x.worker.q.mu.Lock()
	defer x.worker.q.mu.Unlock()
	x.startLocked(e.now())
}

// An alarm may be due just when the state is closed and another is made.
func TestAnIdleAlarmIsNotSetTwiceWhenAStateIsRenewed(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		e := newEngine(t, router.LeastBusy(), func(cfg *Config) { cfg.Recycling.IdleTimeout = time.Second })
		e.timer.ring = func() {}
		x := newRenewal(mailboxOf(seat(e, 1)[0]))
		x.worker.handled.Store(1)
		x.start(e)
		pass(time.Second)
		due := e.timer.popDue(e.now())
		require.NotNil(t, due)
		x.start(e)
		due.due(e.now())
		assert.Equal(t, 1, e.timer.alarms.Len())
		assert.False(t, x.rested)
		pass(time.Second)
		due = e.timer.popDue(e.now())
		require.NotNil(t, due)
		assert.Nil(t, e.timer.popDue(e.now()))
		due.due(e.now())
		assert.True(t, x.rested)
	})
}

// A task may come just when the worker has been idle for long enough.
func TestAWorkerIsNotAtRestAfterATask(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		e := newEngine(t, router.LeastBusy(), func(cfg *Config) { cfg.Recycling.IdleTimeout = time.Second })
		e.timer.ring = func() {}
		x := newRenewal(mailboxOf(seat(e, 1)[0]))
		x.start(e)
		pass(time.Second)
		require.NotNil(t, e.timer.popDue(e.now()))
		x.rested = true
		pass(time.Minute)
		x.usedLocked(e.now())
		assert.False(t, x.rested)
		assert.Nil(t, e.timer.popDue(e.now()))
		pass(time.Second)
		assert.NotNil(t, e.timer.popDue(e.now()), "the worker has been idle once more")
	})
}
