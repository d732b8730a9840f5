package soak_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

// A fault is a way in which a task goes wrong.
type fault int

const (
	noFault fault = iota
	failsOnce
	failsAlways
	panicsAlways
	exitsAlways
	timesOut
	isCanceled
	ignoresContext
	namesOutcome
	faults
)

var faultNames = [faults]string{"none", "fails once", "fails", "panics", "Goexit", "times out", "canceled", "ignores its context", "names its outcome"}

// drawFault draws one, each at its share.
func drawFault() fault {
	switch n := rand.N(10_000); {
	case n < 100:
		return panicsAlways
	case n < 200:
		return exitsAlways
	case n < 300:
		return failsOnce
	case n < 400:
		return failsAlways
	case n < 450:
		return timesOut
	case n < 500:
		return isCanceled
	case n < 505:
		return ignoresContext
	case n < 555:
		return namesOutcome
	default:
		return noFault
	}
}

// deedOf is the payload of a task.
type deedOf struct {
	fault   fault
	attempt *atomic.Int32
}

func newDeed(f fault) deedOf { return deedOf{f, new(atomic.Int32)} }

func (d deedOf) timeout() time.Duration {
	switch d.fault {
	case timesOut, ignoresContext:
		return 200 * time.Microsecond
	default:
		return 0
	}
}

// outcomes are those that a handler may name, and that an error tells.
var outcomes = []messages.Outcome{
	messages.Failed, messages.TimedOut, messages.Canceled, messages.Dropped, messages.Quarantined,
}

func perform(ctx context.Context, d deedOf) (int, error) {
	switch d.fault {
	case failsOnce:
		if d.attempt.Add(1) == 1 {
			return 0, pooltest.ErrTask
		}
	case failsAlways:
		return 0, pooltest.ErrTask
	case panicsAlways:
		panic(pooltest.ErrTask)
	case exitsAlways:
		runtime.Goexit()
	case timesOut, isCanceled:
		select { // the pool or the submitter ends it; a submitter may have canceled too early
		case <-ctx.Done():
		case <-time.After(2 * time.Millisecond):
		}
		return 0, context.Cause(ctx)
	case ignoresContext:
		time.Sleep(5 * time.Millisecond)
	case namesOutcome:
		return 0, actors.WithOutcome(outcomes[rand.N(len(outcomes))], pooltest.ErrTask)
	}
	return 1, nil
}
