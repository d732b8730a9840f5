package engine

import (
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/router"
)

// A racePlan says which tasks run in several copies, and when copies begin.
type racePlan struct {
	all   bool          // every worker gets one at once
	after time.Duration // otherwise: when another worker gets one
	once  bool          // only one, only of an idempotent task, and only on an idle worker
}

// newRacePlan returns the plan of a pool; nil: no task runs in several copies.
func newRacePlan(d router.Dispatch, hedge time.Duration) *racePlan {
	switch {
	case d.Interval() > 0:
		return &racePlan{after: d.Interval()}
	case d.Within() > 0:
		return &racePlan{all: true}
	case hedge > 0:
		return &racePlan{after: hedge, once: true}
	default:
		return nil
	}
}

// races has the tasks that run in several copies.
type races struct {
	plan   *racePlan          // nil: no task does
	copies atomic.Int64       // that have begun
	parked map[*Task]*Holding // guarded by the lock of the shared queue: see Holding.race; nil until the first
}
