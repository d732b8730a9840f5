package jetstream

import (
	"time"

	"github.com/troupe-go/troupe/actors"
)

// feederConfig is what the options of Attach say.
type feederConfig struct {
	retry    actors.Retry
	prefetch int // -1: by the pace of the pool
	lost     int
	maxRun   time.Duration
}

func defaultFeederConfig() feederConfig {
	return feederConfig{
		retry: actors.Retry{
			Attempts: 5, Min: time.Second, Max: 5 * time.Minute, Jitter: 0.2, Panics: true,
		},
		prefetch: -1,
		lost:     5,
		maxRun:   time.Hour,
	}
}

// AttachOption configures a [Feeder].
type AttachOption interface{ apply(c *feederConfig) error }

type attachOption func(*feederConfig) error

func (o attachOption) apply(c *feederConfig) error { return o(c) }

// WithRetry says which failed tasks are retried, and when. A failed task goes back to the
// store until its next attempt, which any node may make. A task that timed out counts as
// failed, with the error messages.ErrTaskTimeout. The zero policy retries nothing. As in a
// pool, a policy without On retries every error, and only one with Panics retries panics:
//
//	actors.Retry{Attempts: 3, Min: time.Second, Max: time.Minute, Panics: true}
//
// The default is 5 attempts of tasks that failed for whatever reason, after 1 s, 2 s,
// 4 s and so on. A pool that has a retry policy of its own goes through that within
// each of these attempts.
func WithRetry(policy actors.Retry) AttachOption {
	return attachOption(func(c *feederConfig) error {
		once := policy.Attempts == 0 && policy.Min == 0 && policy.Max == 0 && policy.Jitter == 0 && policy.On == nil && !policy.Panics
		if !once {
			if err := policy.Validate(); err != nil {
				return err
			}
		}
		c.retry = policy
		return nil
	})
}

// WithPrefetch is how many tasks the pool is given beyond one for each free worker.
// They wait in its queue, and lie there in vain if its workers are long busy: they are
// given back when a third of their lease has passed.
//
// The default goes by the pace of the pool: as many as it has done in the last 10 ms,
// at most 1024, so none if tasks are long. A pool that is to grow with its queue
// (actors.WithAutoscale) needs to see one: for the default rule, more than twice the
// workers of its largest size.
func WithPrefetch(n int) AttachOption {
	return attachOption(func(c *feederConfig) error {
		if n < 0 {
			return invalidOption("prefetch of %d tasks", n)
		}
		c.prefetch = n
		return nil
	})
}

// WithLostLimit is how often a task may be lost, with the node that had it or with its
// lease, before it is made a dead letter: it may be what kills the processes. The
// default is 5, the least 1.
func WithLostLimit(n int) AttachOption {
	return attachOption(func(c *feederConfig) error {
		if n < 1 {
			return invalidOption("tasks lost %d times", n)
		}
		c.lost = n
		return nil
	})
}

// WithMaxRun bounds an attempt: so long the lease of a task is extended, from when its
// node has taken it. Then it is canceled, and the attempt has failed. That is looked at
// every third of the lease. The default is 1 h. The pool's task timeout and [Timeout] end
// it sooner.
func WithMaxRun(d time.Duration) AttachOption {
	return attachOption(func(c *feederConfig) error {
		if d <= 0 {
			return invalidOption("runs of at most %v", d)
		}
		c.maxRun = d
		return nil
	})
}
