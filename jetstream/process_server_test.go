//go:build unix

package jetstream_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/jetstream"
	"github.com/troupe-go/troupe/jetstream/local"
	"github.com/troupe-go/troupe/messages"
)

// A stream submits tasks one after the other until it is stopped, and some of them a
// second time, much later.
type stream struct {
	t       *testing.T
	queue   *jetstream.Queue[int]
	stopped chan struct{}
	ended   chan struct{}

	mu      sync.Mutex
	stored  int           // guarded by mu; the tasks are the numbers below
	longest time.Duration // guarded by mu; that one took to be stored
	failed  int           // guarded by mu; calls of Submit
}

func newStream(t *testing.T, q *jetstream.Queue[int]) *stream {
	s := &stream{t: t, queue: q, stopped: make(chan struct{}), ended: make(chan struct{})}
	go s.run()
	return s
}

func (s *stream) run() {
	defer close(s.ended)
	const later = 100
	for n := 0; ; n++ {
		select {
		case <-s.stopped:
			return
		default:
		}
		begin := time.Now()
		if !s.submit(n) || n%10 == 0 && n >= later && !s.submit(n-later) {
			return
		}
		s.mu.Lock()
		s.stored, s.longest = n+1, max(s.longest, time.Since(begin))
		s.mu.Unlock()
	}
}

// submit submits a task until it is stored.
func (s *stream) submit(n int) bool {
	for end := time.Now().Add(2 * patience); ; {
		_, err := s.queue.Submit(s.t.Context(), n, jetstream.ID("task-"+strconv.Itoa(n)))
		if err == nil {
			return true
		}
		if !assert.ErrorIs(s.t, err, jetstream.ErrUnavailable) || time.Now().After(end) {
			return false
		}
		s.mu.Lock()
		s.failed++
		s.mu.Unlock()
	}
}

func (s *stream) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stored
}

// goOn waits until more has been stored.
func (s *stream) goOn() {
	s.t.Helper()
	before := s.count()
	until(s.t, func() bool { return s.count() >= before+100 }, "tasks are stored")
}

// numbersOf says by which numbers of the queue a task came.
type numbersOf struct {
	mu      sync.Mutex
	numbers map[int][]uint64 // guarded by mu; by task, of each run
}

func (r *numbersOf) handle(ctx context.Context, n int) (int, error) {
	d, ok := jetstream.DeliveryFromContext(ctx)
	if !ok {
		return 0, errors.New("it comes from no queue")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.numbers[n] = append(r.numbers[n], d.Number)
	return n, nil
}

func (r *numbersOf) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.numbers)
}

// longestStall is for three elections: a server stands for one when it has not heard of
// the leader for 4 to 9 s, and is not elected if it lacks what another one has, or if
// both stand at a time. Mostly there is one.
const longestStall = 30 * time.Second

func TestAServerThatIsKilledLosesNoTaskAndSubmitGoesOnWithTheOthers(t *testing.T) {
	t.Parallel()
	c := cluster(t, 3)
	q := queue(t, connect(t, c, jetstream.Replicas(3)), jetstream.Lease(5*time.Second))
	runs := &numbersOf{numbers: make(map[int][]uint64)}
	feeder := attach(t, q, pool(t, runs.handle))
	s := newStream(t, q)
	s.goOn()

	rounds := max(*soak/20_000, 1)
	for range rounds {
		for _, leader := range []bool{false, true} {
			killServer(t, c, q, leader, func() {
				s.goOn()
				before := runs.count() // of a consumer that has a leader of its own
				until(t, func() bool { return runs.count() > before }, "tasks are done")
			})
			s.goOn()
		}
	}
	close(s.stopped)
	<-s.ended

	stats := drained(t, q)
	assert.Zero(t, stats.Dead, "dead letters")
	node, err := feeder.Stop(t.Context())
	require.NoError(t, err)
	twice := 0
	require.Len(t, runs.numbers, s.stored, "tasks that were done")
	for n, numbers := range runs.numbers {
		twice += len(numbers) - 1
		assert.Len(t, slices.Compact(slices.Sorted(slices.Values(numbers))), 1, "task %d is one", n)
	}
	assert.Less(t, s.longest, longestStall)
	t.Logf("%d servers killed, %d tasks stored, %d calls of Submit failed and were made again, the longest until a task was stored %v; "+
		"%d done twice, %d of them known to be again",
		2*rounds, s.stored, s.failed, s.longest.Round(time.Millisecond), twice, node.Again)
}

// killServer kills the leader of the queue, or another one, does something without it,
// and has it come back.
func killServer(t *testing.T, c *local.Cluster, q *jetstream.Queue[int], leader bool, meanwhile func()) {
	t.Helper()
	victim := -1
	until(t, func() bool {
		stats, err := q.Inspect(t.Context())
		if err != nil || len(stats.Servers) != 3 {
			return false
		}
		for _, s := range stats.Servers {
			if !s.Current {
				return false
			}
			if s.Leader == leader {
				victim = slices.Index(c.Names(), s.Name)
			}
		}
		return victim >= 0
	}, "all servers are current")
	begin := time.Now()
	require.NoError(t, c.Kill(victim))
	meanwhile()
	without := time.Since(begin)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	require.NoError(t, c.Restart(ctx, victim))
	t.Logf("%s killed, leader: %v; all went on after %v, and it was back after %v",
		c.Names()[victim], leader, without.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond))
}

func TestWithoutAMajorityOfServersSubmitIsUnavailableAndOneTaskComesOfAllTries(t *testing.T) {
	long(t)
	t.Parallel()
	c := cluster(t, 3)
	q := queue(t, connect(t, c, jetstream.Replicas(3)))
	s := &stream{t: t, queue: q}
	require.True(t, s.submit(0))
	stats := inspect(t, q)
	for _, server := range stats.Servers[1:] { // those that follow
		require.NoError(t, c.Kill(slices.Index(c.Names(), server.Name)))
	}
	_, err := q.Submit(t.Context(), 1, jetstream.ID("task-1"))
	require.ErrorIs(t, err, jetstream.ErrUnavailable)

	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	require.NoError(t, c.Restart(ctx, slices.Index(c.Names(), stats.Servers[1].Name)))
	require.True(t, s.submit(1))
	eventually(t, q, func(s messages.DurableStats) bool { return s.Ready == 2 })
}
