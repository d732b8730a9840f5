package engine

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/internal/meter"
	"github.com/troupe-go/troupe/router"
)

// A clock tells engine time: nanoseconds since the engine was made, never 0.
type clock struct{ epoch time.Time }

// newClock returns a clock whose first reading is not 0.
func newClock() clock { return clock{time.Now().Add(-1)} }

func (c clock) now() int64 { return int64(time.Since(c.epoch)) }

// timeOf converts engine time to a time.Time.
func (c clock) timeOf(now int64) time.Time { return c.epoch.Add(time.Duration(now)) }

// later returns the time d after now, at most the end of engine time.
func later(now int64, d time.Duration) int64 { return now + min(int64(d), math.MaxInt64-now) }

// A base has what a pool has before it has workers: its names, its clock, and the means to
// notify others.
type base struct {
	name   string
	self   *actor.PID    // the pool's
	work   any           // what Context.Work returns
	tracer router.Tracer // nil: none
	clock
	meter    *meter.Meter
	deliver  deliver.Deliverer
	counters counters    // of callers, and of workers that are gone
	ended    atomic.Bool // the pool has stopped
}

// Messages to the pool's own actor, whose goroutine may run user code.
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
	b.deliver.Tell(b.self, &notice{event})
}

// warn logs a warning on that goroutine too, since the logger is user code.
func (b *base) warn(text string, args ...any) {
	b.deliver.Tell(b.self, &warning{text, append([]any{"pool", b.name}, args...)})
}

// Histograms returns the histograms of the waiting and running times.
func (b *base) Histograms() (wait, run meter.Histogram) { return b.meter.Histograms() }

// Messages from the supervisor to the pool's own actor.
type (
	noWorkers  struct{}
	escalation struct{ reason, message any }
)

// forSupervisor is a message to the supervisor that is sent through the pool.
type forSupervisor interface{ ForSupervisor() }
