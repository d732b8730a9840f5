package directory

import (
	"sync"
	"time"

	"github.com/troupe-go/troupe/internal/meter"
	"github.com/troupe-go/troupe/messages"
)

// A Snapshot is what there is to say of a pool in figures. It is shared by all who read
// it, so nothing in it must be changed.
type Snapshot struct {
	Stats     messages.Stats
	Wait, Run meter.Histogram // taken a moment after Stats
}

// A snapshot of a pool is reused for rest times as long as it took to take, so that all
// who read it cost the pool about 1 % of a processor's time at most, however many they
// are and however often they come. It grows no older than oldest, for one that took
// longer than a hundredth of that was most likely kept waiting by others.
const (
	rest   = 100
	oldest = messages.StatsWindow
)

// snapshots has the last snapshot of a pool.
type snapshots struct {
	mu    sync.Mutex // held while one is taken, which those who come meanwhile share
	last  *Snapshot  // guarded by mu; nil: none yet
	until time.Time  // guarded by mu; when the last one is too old
}

// Snapshot returns a snapshot of the pool, which may be a little old: see [Snapshot]. It
// is safe for concurrent use.
func (e *Entry) Snapshot() *Snapshot {
	s := &e.snapshots
	s.mu.Lock()
	defer s.mu.Unlock()
	begun := time.Now()
	if s.last != nil && begun.Before(s.until) {
		return s.last
	}
	fresh := &Snapshot{Stats: e.Stats()}
	fresh.Wait, fresh.Run = e.Histograms()
	ended := time.Now()
	s.last, s.until = fresh, ended.Add(min(rest*ended.Sub(begun), oldest))
	return fresh
}
