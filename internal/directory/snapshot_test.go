package directory_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/internal/directory"
	"github.com/troupe-go/troupe/internal/meter"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
)

// slow is a pool of which it takes a time to take a snapshot.
type slow struct {
	directory.Pool
	takes time.Duration
	taken atomic.Int64
}

func (s *slow) Stats() messages.Stats {
	time.Sleep(s.takes)
	return messages.Stats{Submitted: s.taken.Add(1)}
}

func (s *slow) Histograms() (wait, run meter.Histogram) { return wait, run }

func TestSnapshotIsReusedForAHundredTimesWhatItTook(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := &slow{takes: time.Millisecond}
		entry := &directory.Entry{Pool: pool}
		for range 10_000 { // ten seconds of a thousand reads each
			entry.Snapshot()
			time.Sleep(time.Millisecond)
		}
		share := time.Duration(pool.taken.Load()) * pool.takes
		assert.LessOrEqual(t, share, 101*time.Millisecond, "1 %% of ten seconds, for %d snapshots", pool.taken.Load())
		assert.GreaterOrEqual(t, share, 95*time.Millisecond, "and they are as fresh as that allows")
	})
}

func TestSnapshotIsNeverOlderThanTheWindow(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := &slow{takes: time.Minute}
		entry := &directory.Entry{Pool: pool}
		entry.Snapshot()
		time.Sleep(messages.StatsWindow - time.Nanosecond)
		assert.EqualValues(t, 1, entry.Snapshot().Stats.Submitted)
		time.Sleep(time.Nanosecond)
		assert.EqualValues(t, 2, entry.Snapshot().Stats.Submitted)
	})
}

// gated is a pool whose snapshot is not there before the gate opens.
type gated struct {
	slow
	gate chan struct{}
}

func (g *gated) Stats() messages.Stats {
	<-g.gate
	return g.slow.Stats()
}

func TestSnapshotIsSharedByThoseWhoComeMeanwhile(t *testing.T) {
	timelimit.Set(t)
	pool := &gated{slow: slow{takes: 10 * time.Millisecond}, gate: make(chan struct{})}
	entry := &directory.Entry{Pool: pool}
	var come, gone sync.WaitGroup
	for range 100 {
		come.Add(1)
		gone.Go(func() {
			come.Done()
			assert.EqualValues(t, 1, entry.Snapshot().Stats.Submitted)
		})
	}
	come.Wait()
	close(pool.gate)
	gone.Wait()
	assert.EqualValues(t, 1, pool.taken.Load())
}
