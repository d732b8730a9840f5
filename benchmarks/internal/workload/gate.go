package workload

import (
	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
)

// gated is the number of the tasks that wait at a gate.
const gated = -1

// A gate keeps workers busy until it is opened.
type gate struct {
	entered *measure.Countdown
	open    chan struct{}
}

func newGate() *gate { return &gate{entered: measure.NewCountdown(), open: make(chan struct{})} }

// before returns work in which the gated tasks wait at the gate.
func (g *gate) before(work contender.Work) contender.Work {
	return contender.Work{
		Do: func(n int) {
			if n == gated {
				g.wait()
				return
			}
			work.Do(n)
		},
		Func: func(n int) func() {
			if n == gated {
				return g.wait
			}
			return work.Func(n)
		},
	}
}

func (g *gate) wait() {
	g.entered.Done()
	<-g.open
}

// hold returns when all of a pool's workers wait at the gate.
func (g *gate) hold(pool contender.Pool, size int) error {
	g.entered.Start(size)
	for range size {
		if err := pool.Tell(gated); err != nil {
			return err
		}
	}
	return g.entered.Wait()
}

// release opens the gate.
func (g *gate) release() { close(g.open) }
