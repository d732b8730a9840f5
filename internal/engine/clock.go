package engine

import (
	"math"
	"time"
)

// A clock tells engine time: nanoseconds since the engine was made, never 0.
type clock struct{ epoch time.Time }

// newClock returns a clock whose first reading is not 0.
func newClock() clock { return clock{time.Now().Add(-1)} }

func (c clock) now() int64 { return int64(time.Since(c.epoch)) }

// timeOf converts engine time.
func (c clock) timeOf(now int64) time.Time { return c.epoch.Add(time.Duration(now)) }

// later is d after now, or the end of time.
func later(now int64, d time.Duration) int64 { return now + min(int64(d), math.MaxInt64-now) }
