package engine

import (
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/internal/meter"
)

// A base has what a pool has before it has workers: its configuration, its clock, and
// the ways to tell others what happens.
type base struct {
	cfg Config
	clock
	meter    *meter.Meter
	deliver  deliver.Deliverer
	counters counters    // of callers, and of workers that are gone
	ended    atomic.Bool // the pool has stopped
}

// Messages to the pool's own actor, whose goroutine may run code of the user's.
type (
	notice  struct{ event any } // to be published
	warning struct {            // to be logged
		text string
		args []any
	}
)

// notify publishes an event, on the goroutine of the pool's own actor.
func (b *base) notify(event any) {
	if b.ended.Load() {
		b.deliver.Publish(event)
		return
	}
	b.deliver.Tell(b.cfg.Self, &notice{event})
}

// warn logs a warning there, since the logger is the user's.
func (b *base) warn(text string, args ...any) {
	b.deliver.Tell(b.cfg.Self, &warning{text, append([]any{"pool", b.cfg.Name}, args...)})
}

// Histograms returns those of the waiting and running times.
func (b *base) Histograms() (wait, run meter.Histogram) { return b.meter.Histograms() }
