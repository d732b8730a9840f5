package actors

import (
	"time"

	"github.com/troupe-go/troupe/internal/invalid"
)

// WithHedge starts a copy of an [Idempotent] task on an idle worker if the task has not ended after
// the given time. Choose a time that most tasks do not need, such as their 95th percentile. The
// first success settles the task and cancels the other. If both fail, the attempt fails with the
// first error. If no worker is idle, the pool looks again after the same time.
//
// The ledger counts one task and one attempt; Stats.Copies counts the copies. A pool of users' own
// actors cannot hedge: that is an error, as is a dispatch that starts copies itself.
func WithHedge(after time.Duration) Option {
	return option(func(c *config) error {
		if after <= 0 {
			return invalid.Option("hedge after %v <= 0", after)
		}
		c.hedge = after
		return nil
	})
}
