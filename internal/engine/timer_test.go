package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/router"
)

// pass lets time pass in a bubble.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// A bell is a timer whose ringing is noted.
type bell struct {
	timer
	engine *Engine
	rung   []int64 // engine time
}

func newBell(t *testing.T) *bell {
	b := &bell{engine: newEngine(t, router.LeastBusy())}
	b.clock = b.engine.clock
	b.ring = func() {
		b.rung = append(b.rung, b.engine.now())
		b.at.Store(0)
	}
	return b
}

// set sets the timer to fire after d.
func (b *bell) set(d time.Duration) int64 {
	at := b.engine.now() + int64(d)
	b.timer.set(at)
	return at
}

func TestTheTimerFiresAtTheEarliestTime(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		b := newBell(t)
		b.set(3 * time.Second)
		early := b.set(time.Second)
		b.set(2 * time.Second) // it is set to an earlier time
		pass(time.Hour)
		assert.Equal(t, []int64{early}, b.rung)
	})
}

func TestTheTimerCanBeSetAgain(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		b := newBell(t)
		first := b.set(time.Second)
		pass(time.Minute)
		second := b.set(time.Second)
		pass(time.Minute)
		now := b.set(-time.Hour) + int64(time.Hour)
		pass(time.Minute)
		assert.Equal(t, []int64{first, second, now}, b.rung, "what is overdue fires at once")
	})
}

func TestAClosedTimerDoesNotFire(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		b := newBell(t)
		b.set(time.Second)
		b.close()
		b.set(time.Second)
		pass(time.Hour)
		assert.Empty(t, b.rung)
	})
}

// An alarmClock notes when it rings.
type alarmClock struct {
	alarmEntry
	rung *[]string
	name string
	at   int64
}

func (a *alarmClock) due(now int64) {
	*a.rung = append(*a.rung, a.name)
	a.at = now
}

func clocks(rung *[]string, names ...string) (list []*alarmClock) {
	for _, name := range names {
		a := &alarmClock{rung: rung, name: name}
		a.Value = a
		list = append(list, a)
	}
	return list
}

func TestAlarmsRingInOrderAtTheirTimes(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		e, rung := newEngine(t, router.LeastBusy()), []string{}
		list := clocks(&rung, "third", "first", "second", "never")
		start := e.now()
		for i, seconds := range []int64{3, 1, 2, 2} {
			e.timer.addAlarm(&list[i].alarmEntry, start+seconds*int64(time.Second))
		}
		assert.True(t, e.timer.removeAlarm(&list[3].alarmEntry))
		assert.False(t, e.timer.removeAlarm(&list[3].alarmEntry), "it is not set any more")
		assert.Equal(t, start+int64(time.Second), e.timer.next())
		pass(time.Hour)
		assert.Equal(t, []string{"first", "second", "third"}, rung)
		assert.Equal(t, start+int64(time.Second), list[1].at)
		assert.Equal(t, start+3*int64(time.Second), list[0].at)
		assert.Zero(t, e.timer.next())
	})
}

func TestTheTimerStaysOpenWhileAnAlarmIsSet(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		e, rung := newEngine(t, router.LeastBusy()), []string{}
		list := clocks(&rung, "watchdog")
		e.timer.addAlarm(&list[0].alarmEntry, e.now()+int64(time.Second))
		e.timer.close()
		pass(time.Hour)
		assert.Equal(t, []string{"watchdog"}, rung)
		e.timer.close()
		assert.True(t, e.timer.closed)
	})
}

func TestTheEngineRingsForTheDeadlinesOfAllQueues(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		e := newEngine(t, router.RoundRobin())
		e.shared.paused = true
		workers := seat(e, 2)
		tasks := []*Task{
			accept(e, workers[0], &Spec{Timeout: 2 * time.Second}),
			accept(e, workers[1], &Spec{Timeout: time.Second}),
			accept(e, workers[1], &Spec{}),
		}
		pass(time.Second)
		assert.Equal(t, []status{queued, endedTimedOut, queued}, statusesOf(tasks))
		pass(time.Second)
		assert.Equal(t, []status{endedTimedOut, endedTimedOut, queued}, statusesOf(tasks))
		assert.Zero(t, e.timer.at.Load(), "nothing else is due")
	})
}

func statusesOf(tasks []*Task) (list []status) {
	for _, t := range tasks {
		list = append(list, t.load().status())
	}
	return list
}
