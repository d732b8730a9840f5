package jetstream_test

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/jetstream"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

var stormSeed = flag.Uint64("storm", 0, "seed of TestAStormOfOperationsLosesNoTask; 0 is any")

// A storm is feeders and pools of one queue that come and go while tasks are done.
type storm struct {
	t     *testing.T
	queue *jetstream.Queue[int]

	mu    sync.Mutex
	done  map[int]bool // guarded by mu; tasks whose handler has returned without an error
	acked int64        // guarded by mu; what the feeders have counted, once they have stopped
	dead  int64        // guarded by mu
	rand  *rand.Rand   // guarded by mu
}

func (s *storm) intN(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rand.IntN(n)
}

var errStorm = errors.New("bad weather")

// handle is a handler with which everything can happen. Every thirteenth task is one that
// always fails.
func (s *storm) handle(ctx context.Context, n int) (int, error) {
	if n%13 == 0 {
		return 0, errStorm
	}
	switch s.intN(20) {
	case 0:
		return 0, errStorm
	case 1:
		panic(errStorm)
	case 2:
		runtime.Goexit()
	case 3:
		return 0, messages.RetryAfter(time.Millisecond)
	case 4:
		<-ctx.Done() // the task times out, unless it is canceled sooner
		return 0, context.Cause(ctx)
	case 5, 6:
		time.Sleep(time.Millisecond)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[n] = true
	return n, nil
}

const (
	// attempts are so many that a task that does not always fail is done by the last.
	attempts = 30
	// taskTimeout is long enough that a task seldom times out while it is queued.
	taskTimeout = 200 * time.Millisecond
)

// round attaches a pool and does this and that to it, until both are stopped.
func (s *storm) round() {
	size := 1 + s.intN(4)
	system := quietSystem()
	defer system.Shutdown()
	p, err := actors.NewPool(system.Root, s.handle, actors.WithSize(size),
		actors.WithQueue(1+s.intN(20), router.Block+router.Overflow(s.intN(4))), actors.WithTaskTimeout(taskTimeout))
	if !assert.NoError(s.t, err) {
		return
	}
	options := []jetstream.AttachOption{jetstream.WithLostLimit(1), jetstream.WithRetry(actors.Retry{
		Attempts: attempts, Min: time.Millisecond, Max: 10 * time.Millisecond, Jitter: 0.5, On: actors.AnyError, Panics: true,
	})}
	if s.intN(2) == 0 {
		options = append(options, jetstream.WithPrefetch(s.intN(30)))
	}
	f, err := jetstream.Attach(s.queue, p, options...)
	if !assert.NoError(s.t, err) {
		return
	}
	for range 2 + s.intN(6) {
		time.Sleep(time.Duration(s.intN(20)) * time.Millisecond) // the operations are to come at any time
		switch s.intN(3) {
		case 0:
			p.Pause()
			time.Sleep(time.Duration(s.intN(5)) * time.Millisecond)
			p.Resume()
		case 1:
			assert.NoError(s.t, p.Resize(s.t.Context(), 1+s.intN(6)))
		case 2:
			f.Stats()
		}
	}
	if s.intN(4) == 0 {
		p.Pause()
	}
	ended, cancel := context.WithCancel(s.t.Context())
	cancel()
	switch s.intN(5) {
	case 0:
		p.Close()
	case 1:
		p.Resume()
		_, err = p.Shutdown(s.t.Context())
		assert.NoError(s.t, err)
	case 2:
		_, err = f.Stop(ended)
		assert.ErrorIs(s.t, err, context.Canceled)
	case 3:
		go p.Close()
		_, _ = f.Stop(ended)
	case 4:
		_, err = f.Stop(s.t.Context())
		assert.NoError(s.t, err)
	}
	p.Close()
	<-f.Done()
	<-p.Done()
	ledger := p.Stats()
	assert.True(s.t, ledger.Balanced(), "%+v", &ledger)
	stats := f.Stats()
	assert.Zero(s.t, stats.Held)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acked += stats.Acked
	s.dead += stats.Dead
}

// submit submits tasks by one and in batches, and some of them again.
func (s *storm) submit(from, to int) {
	id := func(n int) jetstream.SubmitOption { return jetstream.ID(strconv.Itoa(n)) }
	for n := from; n < to; {
		if s.intN(2) == 0 {
			_, err := s.queue.Submit(s.t.Context(), n, id(n), jetstream.Priority(s.intN(3)))
			assert.NoError(s.t, err)
			n++
			continue
		}
		var items []jetstream.Item[int]
		for range min(1+s.intN(50), to-n) {
			items = append(items, jetstream.Item[int]{In: n, Options: []jetstream.SubmitOption{id(n), jetstream.Priority(s.intN(3))}})
			n++
		}
		for range 1 + s.intN(2) { // twice is once
			_, err := s.queue.SubmitBatch(s.t.Context(), items...)
			assert.NoError(s.t, err)
		}
	}
}

func TestAStormOfOperationsLosesNoTask(t *testing.T) {
	const tasks, submitters, feeders, rounds = 1000, 4, 3, 6
	seed := *stormSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("go test -run %s -storm %d", t.Name(), seed)
	q := queue(t, open(t, t.TempDir()), jetstream.Levels(3), jetstream.Lease(time.Minute))
	s := &storm{t: t, queue: q, done: make(map[int]bool), rand: rand.New(rand.NewPCG(seed, 0))}

	var all sync.WaitGroup
	for i := range submitters {
		all.Go(func() { s.submit(i*tasks/submitters, (i+1)*tasks/submitters) })
	}
	for range feeders {
		all.Go(func() {
			for range rounds {
				s.round()
			}
		})
	}
	all.Wait()
	last := attach(t, q, pool(t, s.handle, actors.WithSize(8), actors.WithTaskTimeout(taskTimeout)), soon(attempts))
	eventually(t, q, empty)

	letters, err := q.DeadLetters(t.Context(), 0, tasks)
	require.NoError(t, err)
	for _, letter := range letters {
		n, err := strconv.Atoi(letter.ID)
		require.NoError(t, err)
		assert.Zero(t, n%13, "task %d: %s, %v", n, letter.Reason, letter.Err)
		assert.Equal(t, messages.DeadAttempts, letter.Reason)
		assert.Equal(t, attempts, letter.Attempts, "what was given back has all its attempts")
		assert.False(t, s.done[n])
	}
	require.Len(t, s.done, tasks-len(letters), "every task is done or a dead letter")
	stats, err := last.Stop(t.Context())
	require.NoError(t, err)
	assert.Zero(t, stats.Held)
	assert.Equal(t, int64(len(letters)), s.dead+stats.Dead)
	assert.Equal(t, int64(tasks), s.acked+s.dead+stats.Acked+stats.Dead, "each task is settled once")
}
