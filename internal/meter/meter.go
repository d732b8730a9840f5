// Package meter measures tasks: the distributions of their waiting and running
// times, and how busy the workers were of late.
package meter

import (
	"runtime"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/troupe-go/troupe/messages"
)

// A Meter records into shards, so that workers seldom meet at a lock. It is safe
// for concurrent use.
type Meter struct {
	shards []shard
}

// New returns an empty meter with a shard for each processor.
func New() *Meter {
	return &Meter{shards: make([]shard, runtime.GOMAXPROCS(0))}
}

type shard struct {
	mu     sync.Mutex
	wait   durations
	run    durations
	recent window
	_      [64]byte // keeps neighbors off this shard's cache lines
}

// A Sample is n durations of the given sum in nanoseconds, each taken to be the mean.
type Sample struct{ N, Sum int64 }

// A Batch has the times of tasks that one worker has done, one after another.
type Batch struct {
	Waits, Runs []Sample // the counts of both add up to the same
	Busy        int64    // nanoseconds that the tasks took
	End         int64    // when the last one ended, on the owner's clock
}

// Reset empties the batch for reuse.
func (b *Batch) Reset() { b.Waits, b.Runs, b.Busy = b.Waits[:0], b.Runs[:0], 0 }

// Record adds a batch. Callers with different hints seldom contend.
func (m *Meter) Record(hint uint32, b *Batch) {
	n := int64(0)
	s := &m.shards[int(hint)%len(m.shards)]
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range b.Waits {
		s.wait.record(w.N, w.Sum)
		n += w.N
	}
	for _, r := range b.Runs {
		s.run.record(r.N, r.Sum)
	}
	s.recent.record(n, b.End-b.Busy, b.End)
}

// RecordInterrupted adds a task that got its outcome while it still runs: the time
// of its worker is added by RecordBusy, when that is free again.
func (m *Meter) RecordInterrupted(hint uint32, wait, took, end int64) {
	s := &m.shards[int(hint)%len(m.shards)]
	s.mu.Lock()
	s.wait.record(1, wait)
	s.run.record(1, took)
	s.recent.record(1, end, end)
	s.mu.Unlock()
}

// RecordBusy adds time that a worker has spent on tasks recorded as interrupted.
func (m *Meter) RecordBusy(hint uint32, start, end int64) {
	s := &m.shards[int(hint)%len(m.shards)]
	s.mu.Lock()
	s.recent.record(0, start, end)
	s.mu.Unlock()
}

// A Reading is what a meter has recorded. Tasks and Busy are those of the
// window that ends now.
type Reading struct {
	Wait, Run messages.Distribution
	Tasks     int64
	Busy      time.Duration
}

// Read sums the shards.
func (m *Meter) Read(now int64) Reading {
	var r Reading
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		tasks, busy := s.recent.sum(now)
		s.mu.Unlock()
		r.Tasks += tasks
		r.Busy += time.Duration(busy)
	}
	wait, run := m.durations()
	r.Wait, r.Run = wait.distribution(), run.distribution()
	return r
}

func (m *Meter) durations() (wait, run durations) {
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		wait.merge(&s.wait)
		run.merge(&s.run)
		s.mu.Unlock()
	}
	return wait, run
}

// The histograms keep two significant digits up to a little over a day; what
// lasted longer is counted there, and its own length is in sum and max.
const (
	highest = int64(26 * time.Hour)
	digits  = 2
)

// durations has the count, sum and maximum of durations, and a histogram of them, made
// when the first one comes. The sum is in nanoseconds, exact up to 104 days: an integer
// would overflow in a day where 100,000 tasks wait all the time.
type durations struct {
	count, max int64
	sum        float64
	histogram  *hdrhistogram.Histogram
}

// record adds n durations of the given sum.
func (d *durations) record(n, sum int64) {
	sum = max(sum, 0)
	each := sum / n
	d.count += n
	d.sum += float64(sum)
	d.max = max(d.max, each)
	d.ensure()
	// The value is in the histogram's range, which is the only error there is.
	_ = d.histogram.RecordValues(min(each, highest), n)
}

func (d *durations) ensure() {
	if d.histogram == nil {
		d.histogram = hdrhistogram.New(1, highest, digits)
	}
}

func (d *durations) merge(from *durations) {
	if from.count == 0 {
		return
	}
	d.count += from.count
	d.sum += from.sum
	d.max = max(d.max, from.max)
	d.ensure()
	d.histogram.Merge(from.histogram)
}

func (d *durations) distribution() messages.Distribution {
	if d.count == 0 {
		return messages.Distribution{}
	}
	quantile := func(percent float64) time.Duration {
		return time.Duration(min(d.histogram.ValueAtPercentile(percent), d.max))
	}
	return messages.Distribution{
		Count: d.count,
		Mean:  time.Duration(d.sum / float64(d.count)),
		P50:   quantile(50),
		P95:   quantile(95),
		P99:   quantile(99),
		Max:   time.Duration(d.max),
	}
}
