package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/meter"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// timing runs a test of a worker and its runner in virtual time.
func timing(t *testing.T, test func(t *testing.T, w *workerMailbox, r *runner)) {
	timelimit.Bubble(t, func(t *testing.T) {
		e := newEngine(t, router.LeastBusy())
		w, r := mailboxOf(seat(e, 1)[0]), newRunner()
		w.runner = r
		r.wakeUp(&e.base)
		test(t, w, r)
	})
}

// done says that the worker has done n tasks, which took so long together.
func done(r *runner, n int64, took time.Duration) {
	r.untimed += n
	r.waited += n * 10
	time.Sleep(took)
}

func TestTheFirstTaskIsTimedByItself(t *testing.T) {
	timing(t, func(t *testing.T, w *workerMailbox, r *runner) {
		assert.True(t, w.pace.precise(), "nothing is known of its tasks")
		done(r, 1, 700)
		r.time(&w.engine.base, &w.pace, w.shard())
		assert.Equal(t, []meter.Sample{{N: 1, Sum: 700}}, r.record.Runs)
		assert.Equal(t, []meter.Sample{{N: 1, Sum: 10}}, r.record.Waits)
		assert.EqualValues(t, 700, w.pace.mean)
		assert.False(t, w.pace.precise(), "short tasks are timed in groups")
		assert.Equal(t, w.engine.now(), r.now)
		assert.Zero(t, r.untimed+r.waited)
	})
}

func TestAGroupOfShortTasksIsTimedByItsMean(t *testing.T) {
	timing(t, func(t *testing.T, w *workerMailbox, r *runner) {
		w.pace.mean = 500
		done(r, 30, 30*600)
		r.time(&w.engine.base, &w.pace, w.shard())
		assert.Equal(t, []meter.Sample{{N: 30, Sum: 18_000}}, r.record.Runs)
		assert.EqualValues(t, 600, w.pace.mean)
		assert.EqualValues(t, 18_000, r.ran)
		assert.EqualValues(t, 18_000, r.record.Busy)
		r.time(&w.engine.base, &w.pace, w.shard())
		assert.Len(t, r.record.Runs, 1, "nothing has been done since")
	})
}

func TestALongTaskInAGroupIsRecordedAsOne(t *testing.T) {
	timing(t, func(t *testing.T, w *workerMailbox, r *runner) {
		w.pace.mean = 100
		done(r, 10, 9*100+2*time.Millisecond)
		r.time(&w.engine.base, &w.pace, w.shard())
		assert.Equal(t, []meter.Sample{{N: 9, Sum: 900}, {N: 1, Sum: int64(2 * time.Millisecond)}}, r.record.Runs)
		assert.EqualValues(t, 100, w.pace.mean, "the others are as short as before")
		assert.True(t, w.pace.precise(), "long tasks seldom come alone")
	})
}

func TestTasksAreTimedOneByOneAfterALongOne(t *testing.T) {
	timing(t, func(t *testing.T, w *workerMailbox, r *runner) {
		done(r, 1, longTime)
		r.time(&w.engine.base, &w.pace, w.shard())
		require.EqualValues(t, carefulTasks, w.pace.careful)
		for range carefulTasks {
			require.True(t, w.pace.precise())
			done(r, 1, 100)
			r.time(&w.engine.base, &w.pace, w.shard())
		}
		assert.False(t, w.pace.precise())
		assert.Less(t, len(r.record.Runs), maxBatch, "the record is flushed meanwhile")
		r.flush(&w.engine.base, w.shard())
		reading := w.engine.meter.Read(w.engine.now())
		assert.EqualValues(t, carefulTasks+1, reading.Run.Count)
		assert.EqualValues(t, longTime, reading.Run.Max)
	})
}

func TestTasksOfAMicrosecondAreTimedOneByOne(t *testing.T) {
	p := newWorkerPace()
	for mean, want := range map[int64]bool{-1: true, 0: false, preciseTime - 1: false, preciseTime: true, longTime: true} {
		p.mean = mean
		assert.Equal(t, want, p.precise(), "%d", mean)
	}
}

func TestWhatWasCutShortIsNoProofOfShortTasks(t *testing.T) {
	p := newWorkerPace()
	p.learn(50, true)
	assert.EqualValues(t, -1, p.mean, "tasks take 50 ns at least: that says little")
	p.learn(700, false)
	p.learn(50, true)
	assert.EqualValues(t, 700, p.mean)
	p.learn(9000, true)
	assert.EqualValues(t, 9000, p.mean, "they take that long at least")
	p.learn(50, false)
	assert.EqualValues(t, 50, p.mean)
}

func TestAnInterruptedGroupTeachesNothing(t *testing.T) {
	timing(t, func(t *testing.T, w *workerMailbox, r *runner) {
		w.pace.mean = 900
		r.count(messages.Succeeded)
		r.count(messages.Canceled)
		done(r, 2, 20)
		r.time(&w.engine.base, &w.pace, w.shard())
		assert.EqualValues(t, 900, w.pace.mean)
		r.count(messages.Failed)
		done(r, 1, 20)
		r.time(&w.engine.base, &w.pace, w.shard())
		assert.EqualValues(t, 20, w.pace.mean, "the next group is taken at its word")
		assert.Equal(t, tally{messages.Succeeded: 1, messages.Failed: 1, messages.Canceled: 1}, r.settled)
	})
}

func TestATaskSettledFromOutsideIsNotTimedTwice(t *testing.T) {
	timing(t, func(t *testing.T, w *workerMailbox, r *runner) {
		w.pace.mean = 100
		done(r, 3, 300)
		time.Sleep(time.Millisecond) // the task that others settled
		r.skipTime(&w.engine.base, &w.pace, w.shard())
		assert.Equal(t, []meter.Sample{{N: 3, Sum: 300}}, r.record.Runs)
		assert.Zero(t, r.untimed)
		assert.Equal(t, w.engine.now(), r.now)
		assert.EqualValues(t, 300+time.Millisecond, w.pace.mean, "tasks take that long at least")
		r.flush(&w.engine.base, 0)
		reading := w.engine.meter.Read(w.engine.now())
		assert.EqualValues(t, 3, reading.Run.Count)
		assert.Equal(t, time.Millisecond+300, reading.Busy)
	})
}

func TestARunnerThatRestsHasRecordedEverything(t *testing.T) {
	timing(t, func(t *testing.T, w *workerMailbox, r *runner) {
		done(r, 5, 500)
		r.rest(&w.engine.base)
		assert.EqualValues(t, 5, w.engine.meter.Read(w.engine.now()).Run.Count)
		assert.Zero(t, r.now, "it reads the clock when it wakes")
		assert.Empty(t, r.record.Runs)
		time.Sleep(time.Second)
		r.wakeUp(&w.engine.base)
		assert.Equal(t, w.engine.now(), r.now)
	})
}

func TestTheClockIsNotReadWhileTasksAreUntimed(t *testing.T) {
	timing(t, func(t *testing.T, w *workerMailbox, r *runner) {
		start := r.now
		done(r, 1, time.Second)
		r.readClock(&w.engine.base)
		assert.Equal(t, start, r.now, "their time would be lost")
		r.time(&w.engine.base, &w.pace, w.shard())
		time.Sleep(time.Second)
		r.readClock(&w.engine.base)
		assert.Equal(t, start+int64(2*time.Second), r.now)
	})
}

func TestOnlyShortTasksAreClaimedInBatches(t *testing.T) {
	e := newEngine(t, router.LeastBusy())
	q := e.shared
	for _, c := range []struct {
		mean         int64
		size         int
		short, brief bool
	}{
		{-1, 1, false, false},
		{0, maxBatch, true, true},
		{briefTime - 1, 101, true, true},
		{briefTime, 100, true, false},
		{9_999, 6, true, false},
		{shortTime - 1, 3, true, false},
		{shortTime, 1, false, false},
	} {
		p := workerPace{mean: c.mean}
		assert.Equal(t, c.size, p.batch(&e.gauges, q), "%d", c.mean)
		assert.Equal(t, c.short, q.short, "%d", c.mean)
		assert.Equal(t, c.brief, e.brief.Load(), "%d", c.mean)
	}
}
