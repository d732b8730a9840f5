package meter_test

import (
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/meter"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
)

// record adds n tasks that ended at the same time: wait is how long each of them waited,
// took how long all of them ran.
func record(m *meter.Meter, hint uint32, n, wait, took, end int64) {
	m.Record(hint, &meter.Batch{
		Waits: []meter.Sample{{N: n, Sum: n * wait}},
		Runs:  []meter.Sample{{N: n, Sum: took}},
		Busy:  took,
		End:   end,
	})
}

func TestEmptyMeterReadsZero(t *testing.T) {
	assert.Zero(t, meter.New().Read(int64(time.Hour)))
}

func TestMeanAndMaxAreExact(t *testing.T) {
	m := meter.New()
	for i := range int64(1000) {
		// Two numbers that no histogram of two digits can hold.
		record(m, uint32(i), 1, 1_000_003*i, 7*i+1, 1)
	}
	r := m.Read(1)
	assert.EqualValues(t, 1000, r.Wait.Count)
	assert.EqualValues(t, 1000, r.Run.Count)
	assert.EqualValues(t, 1_000_003*999/2, r.Wait.Mean)
	assert.EqualValues(t, 1_000_003*999, r.Wait.Max)
	assert.EqualValues(t, (7*999*1000/2+1000)/1000, r.Run.Mean)
	assert.EqualValues(t, 7*999+1, r.Run.Max)
}

// As many tasks as wait at a time, so many seconds are added to the sum each second.
func TestSumsOutlastWhatAnIntegerHolds(t *testing.T) {
	m := meter.New()
	const hour = int64(time.Hour)
	for range 100 {
		record(m, 0, 100_000, hour, 100_000*hour, hour)
	}
	reading := m.Read(hour)
	assert.Equal(t, time.Hour, reading.Wait.Mean)
	assert.Equal(t, time.Hour, reading.Run.Mean)
	wait, _ := m.Histograms()
	assert.InEpsilon(t, 1e7*float64(hour), wait.Sum, 1e-9)
}

// Short tasks are timed together: their sum is exact, and each counts.
func TestBatchCountsEachTask(t *testing.T) {
	m := meter.New()
	record(m, 0, 4, 50, 1002, int64(time.Second))
	record(m, 0, 1, 0, 98, int64(time.Second))
	r := m.Read(int64(time.Second))
	assert.EqualValues(t, 5, r.Tasks)
	assert.EqualValues(t, 1100, r.Busy)
	assert.EqualValues(t, 5, r.Run.Count)
	assert.EqualValues(t, 220, r.Run.Mean)
	assert.EqualValues(t, 250, r.Run.Max)
	assert.EqualValues(t, 5, r.Wait.Count)
	assert.EqualValues(t, 40, r.Wait.Mean)
	assert.EqualValues(t, 50, r.Wait.P50)
}

// The waits of a batch need not be measured together with its runs.
func TestEachSampleOfABatchCounts(t *testing.T) {
	m := meter.New()
	const sec = int64(time.Second)
	m.Record(3, &meter.Batch{
		Waits: []meter.Sample{{N: 2, Sum: 100}, {N: 1, Sum: -5}, {N: 3, Sum: 30}},
		Runs:  []meter.Sample{{N: 1, Sum: 12}, {N: 4, Sum: 400}, {N: 1, Sum: 3000}},
		Busy:  3500,
		End:   sec,
	})
	r := m.Read(sec)
	assert.EqualValues(t, 6, r.Tasks)
	assert.EqualValues(t, 3500, r.Busy, "not the sum of the runs")
	assert.EqualValues(t, 6, r.Wait.Count)
	assert.EqualValues(t, 130/6, r.Wait.Mean)
	assert.EqualValues(t, 10, r.Wait.P50)
	assert.EqualValues(t, 50, r.Wait.Max)
	assert.EqualValues(t, 6, r.Run.Count)
	assert.EqualValues(t, 3412/6, r.Run.Mean)
	assert.EqualValues(t, 100, r.Run.P50)
	assert.EqualValues(t, 3000, r.Run.Max)
	wait, run := m.Histograms()
	assert.Equal(t, []uint64{1, 4, 6}, wait.AtMost(0, 10, 50))
	assert.Equal(t, []uint64{0, 1, 5, 6}, run.AtMost(11, 12, 101, 3100))
}

func TestMeterKeepsNothingOfABatch(t *testing.T) {
	m := meter.New()
	const sec = int64(time.Second)
	b := meter.Batch{
		Waits: []meter.Sample{{N: 2, Sum: 100}},
		Runs:  []meter.Sample{{N: 2, Sum: 60}},
		Busy:  60,
		End:   sec,
	}
	m.Record(0, &b)
	before := m.Read(sec)
	b.Reset()
	assert.Empty(t, b.Waits)
	assert.Empty(t, b.Runs)
	assert.Zero(t, b.Busy)
	m.Record(0, &b)
	assert.Equal(t, before, m.Read(sec), "a batch that was reset adds nothing")

	b.Waits = append(b.Waits, meter.Sample{N: 1, Sum: 8})
	b.Runs = append(b.Runs, meter.Sample{N: 1, Sum: 9})
	b.Busy = 9
	m.Record(1, &b)
	r := m.Read(sec)
	assert.EqualValues(t, 3, r.Tasks)
	assert.EqualValues(t, 69, r.Busy)
	assert.EqualValues(t, 108/3, r.Wait.Mean)
	assert.EqualValues(t, 69/3, r.Run.Mean)
}

// Recording is part of each batch.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	m := meter.New()
	var b meter.Batch
	fill := func() {
		b.Reset()
		b.Waits = append(b.Waits, meter.Sample{N: 3, Sum: 100})
		b.Runs = append(b.Runs, meter.Sample{N: 1, Sum: 10}, meter.Sample{N: 2, Sum: 50})
		m.Record(0, &b)
	}
	fill()
	assert.Zero(t, testing.AllocsPerRun(1000, fill))
}

func TestInterruptedTaskCountsAtOnceAndItsTimeWhenItEnds(t *testing.T) {
	m := meter.New()
	const sec = int64(time.Second)
	m.RecordInterrupted(0, 40, 3*sec, 5*sec)
	r := m.Read(5 * sec)
	assert.EqualValues(t, 1, r.Tasks)
	assert.Zero(t, r.Busy)
	assert.EqualValues(t, 40, r.Wait.Max)
	assert.EqualValues(t, 3*sec, r.Run.Max)

	m.RecordBusy(1, 2*sec, 6*sec)
	r = m.Read(6 * sec)
	assert.EqualValues(t, 1, r.Tasks)
	assert.EqualValues(t, 4*sec, r.Busy)
	assert.EqualValues(t, 1, r.Run.Count)
}

// A task may run for longer than the histogram reaches.
func TestDurationsBeyondTheHistogramCount(t *testing.T) {
	m := meter.New()
	const week = 7 * 24 * time.Hour
	record(m, 0, 1, 0, int64(week), int64(week))
	record(m, 0, 1, 0, int64(3*week), int64(3*week))
	run := m.Read(int64(3 * week)).Run
	assert.EqualValues(t, 2, run.Count)
	assert.Equal(t, 2*week, run.Mean)
	assert.Equal(t, 3*week, run.Max)
	// The quantiles are only known to be beyond the histogram's end.
	assert.Greater(t, run.P50, 25*time.Hour)
	assert.LessOrEqual(t, run.P50, run.P99)
	assert.LessOrEqual(t, run.P99, run.Max)
}

// A clock may be read in another order than the events happened.
func TestNegativeWaitCountsAsNone(t *testing.T) {
	m := meter.New()
	record(m, 0, 1, -5, 10, 10)
	wait := m.Read(10).Wait
	assert.EqualValues(t, 1, wait.Count)
	assert.Zero(t, wait.Mean)
	assert.Zero(t, wait.Max)
}

func TestQuantilesAreWithinOnePercent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// From a nanosecond to a day, each magnitude as likely as any other.
		duration := rapid.Custom(func(t *rapid.T) int64 {
			return int64(math.Exp(rapid.Float64Range(0, math.Log(float64(24*time.Hour))).Draw(t, "log")))
		})
		waits := rapid.SliceOfN(duration, 1, 120).Draw(t, "waits")
		m := meter.New()
		for i, wait := range waits {
			record(m, uint32(i), 1, wait, 0, 0)
		}
		got := m.Read(0).Wait
		slices.Sort(waits)
		for _, q := range []struct {
			percent int
			got     time.Duration
		}{{50, got.P50}, {95, got.P95}, {99, got.P99}} {
			// Of 11 durations the P50 is the 5.5th: either neighbor will do.
			rank := len(waits) * q.percent
			low, high := waits[max(rank/100, 1)-1], waits[(rank+99)/100-1]
			if float64(q.got) < 0.99*float64(low) || float64(q.got) > 1.01*float64(high) {
				t.Fatalf("P%d of %d is %d, want %d to %d ±1 %%", q.percent, len(waits), q.got, low, high)
			}
		}
		if got.Max != time.Duration(waits[len(waits)-1]) {
			t.Fatalf("Max is %d, want %d", got.Max, waits[len(waits)-1])
		}
	})
}

func TestConcurrentUseLosesNothing(t *testing.T) {
	timelimit.Set(t)
	const workers, each = 8, 2000
	m := meter.New()
	var wg sync.WaitGroup
	for w := range uint32(workers) {
		wg.Go(func() {
			for i := range int64(each) {
				record(m, w, 1, i, 1, int64(time.Second))
				if i%500 == 0 {
					_ = m.Read(int64(time.Second))
				}
			}
		})
	}
	wg.Wait()
	r := m.Read(int64(time.Second))
	assert.EqualValues(t, workers*each, r.Wait.Count)
	assert.EqualValues(t, workers*each, r.Tasks)
	assert.EqualValues(t, workers*each, r.Busy)
	assert.EqualValues(t, (each-1)/2, r.Wait.Mean)
	assert.EqualValues(t, each-1, r.Wait.Max)
	assert.IsType(t, messages.Distribution{}, r.Run)
}
