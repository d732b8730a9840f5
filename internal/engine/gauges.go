package engine

import "sync/atomic"

// gauges are flags and counts that workers and senders read without a lock.
type gauges struct {
	pace    pace
	brief   atomic.Bool  // the last tasks of the worker that came last were brief
	orphans atomic.Int64 // under early binding: tasks of the shared queue, which have lost their worker
	awake   atomic.Int64 // workers that are not parked
	barren  atomic.Bool  // no worker will come; written while the world is stopped
	dropped atomic.Bool  // the pool has dropped what was queued; likewise
}
