package engine

import (
	"log/slog"
	"math"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/internal/lanes"
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
	deliver  *deliver.Deliverer
	traces   lanes.Lanes // calls of the tracer about the ends of attempts, by hand
	counters counters    // of callers, and of workers that are gone
}

// notify publishes an event.
func (b *base) notify(event any) { b.deliver.PublishLater(event) }

// warn logs a warning.
func (b *base) warn(text string, args ...any) { b.deliver.Log(slog.LevelWarn, text, args...) }

// Histograms returns the histograms of the waiting and running times.
func (b *base) Histograms() (wait, run meter.Histogram) { return b.meter.Histograms() }
