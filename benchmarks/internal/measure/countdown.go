package measure

import "sync/atomic"

// A Countdown tells when a number of tasks have been done, which all contenders learn
// in this way rather than by a wait of their own.
type Countdown struct {
	left atomic.Int64
	zero chan struct{}
}

// NewCountdown returns a countdown at 0.
func NewCountdown() *Countdown { return &Countdown{zero: make(chan struct{}, 1)} }

// Start sets how many tasks are to be done.
func (c *Countdown) Start(tasks int) { c.left.Store(int64(tasks)) }

// Done says that a task has been done.
func (c *Countdown) Done() {
	if c.left.Add(-1) == 0 {
		c.zero <- struct{}{}
	}
}

// Wait returns when all have been done.
func (c *Countdown) Wait() { <-c.zero }
