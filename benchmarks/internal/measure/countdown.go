package measure

import (
	"fmt"
	"sync/atomic"
	"time"
)

// patience is how long Wait waits. Every workload takes a fraction of it.
const patience = 2 * time.Minute

// A Countdown counts tasks down to 0. All contenders report the end of a task to it, so
// that none is measured by a wait of its own. It allocates nothing after NewCountdown.
type Countdown struct {
	left  atomic.Int64
	zero  chan struct{}
	timer *time.Timer
}

// NewCountdown returns a countdown at 0.
func NewCountdown() *Countdown {
	c := &Countdown{zero: make(chan struct{}, 1), timer: time.NewTimer(patience)}
	c.timer.Stop()
	return c
}

// Start sets the number of tasks.
func (c *Countdown) Start(tasks int) { c.left.Store(int64(tasks)) }

// Done reports that a task has been done.
func (c *Countdown) Done() {
	if c.left.Add(-1) == 0 {
		c.zero <- struct{}{}
	}
}

// Wait returns when all tasks have been done. It fails after two minutes, so that a
// contender that loses a task does not stop the run.
func (c *Countdown) Wait() error {
	c.timer.Reset(patience)
	defer c.timer.Stop()
	select {
	case <-c.zero:
		return nil
	case <-c.timer.C:
		return fmt.Errorf("%d tasks were not done within %v", c.left.Load(), patience)
	}
}
