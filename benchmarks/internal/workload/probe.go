package workload

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/messages"
)

const (
	probeEvery   = time.Millisecond
	probeTimeout = 50 * time.Millisecond
)

// A probe is another user of a pool, who notes the longest that the pool kept it
// waiting.
type probe struct {
	pool *actors.Pool[int, int]
	keys []actors.TaskOption
	done chan struct{}
	all  sync.WaitGroup

	mu     sync.Mutex
	worst  map[measure.Metric]time.Duration
	failed error
}

// startProbe starts to use a pool that has more to do than it can begin.
func startProbe(pool *actors.Pool[int, int], keys []actors.TaskOption) *probe {
	p := &probe{pool: pool, keys: keys, done: make(chan struct{}), worst: make(map[measure.Metric]time.Duration)}
	p.all.Go(p.run)
	return p
}

func (p *probe) run() {
	for n := 0; ; n++ {
		select {
		case <-p.done:
			return
		case <-time.After(probeEvery):
		}
		key := p.keys[n%len(p.keys)]
		start := time.Now()
		err := p.pool.Tell(context.Background(), n, key, actors.NoWait())
		told := time.Now()
		p.pool.Load()
		p.note(tellWait, told.Sub(start), err)
		p.note(loadWait, time.Since(told), nil)
		p.all.Go(func() { p.timeOut(n, key) })
	}
}

// timeOut submits a task that times out in the queue.
func (p *probe) timeOut(n int, key actors.TaskOption) {
	due := time.Now().Add(probeTimeout)
	future, err := p.pool.Submit(context.Background(), n, key, actors.NoWait(), actors.Timeout(probeTimeout))
	if err == nil {
		_, err = future.Wait(context.Background())
	}
	late := time.Since(due)
	if errors.Is(err, messages.ErrTaskTimeout) {
		err = nil
	}
	p.note(timeoutLate, late, err)
}

func (p *probe) note(metric measure.Metric, d time.Duration, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.worst[metric] = max(p.worst[metric], d)
	p.worst[longestWait] = max(p.worst[longestWait], d)
	p.failed = errors.Join(p.failed, err)
}

// stop waits for the last timeouts and returns the longest waits, in milliseconds.
func (p *probe) stop() (measure.Sample, error) {
	close(p.done)
	p.all.Wait()
	sample := make(measure.Sample)
	for metric, d := range p.worst {
		sample[metric] = milliseconds(d)
	}
	return sample, p.failed
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
