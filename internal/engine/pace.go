package engine

import (
	"sync"
	"sync/atomic"
)

// gauges are flags and counts that workers and senders read without a lock.
type gauges struct {
	pace     pace
	_        [64]byte     // the rest changes seldom
	brief    atomic.Bool  // the last tasks of the worker that came last were brief
	orphans  atomic.Int64 // under early binding: tasks of the shared queue, which have lost their worker
	unmanned atomic.Bool  // no worker will come; written while the world is stopped
	dropped  atomic.Bool  // the pool has dropped what was queued; likewise
}

// pace knows how busy the workers are and how long tasks take, for autoscaling and for
// the deadline check.
type pace struct {
	occupied atomic.Int64 // workers that have a task, or had one when they looked last
	peak     atomic.Int64 // the largest that occupied has been since PeakBusy was called

	mu      sync.Mutex
	service int64 // guarded by mu; how long a worker is busy with a task, in the mean of late; 0: unknown
}

// busy counts workers that have got a task, or have none any more. It returns how many
// have one.
func (p *pace) busy(change int64) int64 {
	n := p.occupied.Add(change)
	for {
		peak := p.peak.Load()
		if n <= peak || p.peak.CompareAndSwap(peak, n) {
			return n
		}
	}
}

// learn learns from a worker that n tasks took so long: a moving mean, in which the
// newest counts an eighth.
func (p *pace) learn(took, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	took /= max(n, 1)
	if p.service == 0 {
		p.service = max(took, 1)
		return
	}
	p.service = max(p.service+(took-p.service)/8, 1)
}

func (p *pace) mean() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.service
}
