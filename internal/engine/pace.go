package engine

import (
	"sync"
	"sync/atomic"
)

// gauges are flags and counts that workers and senders read without a lock.
type gauges struct {
	pace     pace
	_        [64]byte     // the rest changes seldom
	brief    atomic.Bool  // the last worker to claim tasks had brief ones
	orphans  atomic.Int64 // under early binding: tasks in the shared queue, which have lost their worker
	unmanned atomic.Bool  // no worker is left and none will come; written while the world is stopped
	dropped  atomic.Bool  // the pool stops, has dropped its queued tasks and retries none; likewise
}

// pace measures how busy the workers are and how long tasks take, for autoscaling and for
// the deadline check.
type pace struct {
	occupied atomic.Int64 // workers that had a task when they last visited their queue
	peak     atomic.Int64 // the largest value of occupied since the last call of PeakBusy

	mu      sync.Mutex
	service int64 // guarded by mu; recent mean time that a worker is busy with a task, nanoseconds; 0: unknown
}

// busy adds change to the number of workers that have a task, and returns the new number.
func (p *pace) busy(change int64) int64 {
	n := p.occupied.Add(change)
	for {
		peak := p.peak.Load()
		if n <= peak || p.peak.CompareAndSwap(peak, n) {
			return n
		}
	}
}

// learn updates the mean with the time that a worker took for n tasks. It is a moving mean,
// in which the newest value counts an eighth.
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
