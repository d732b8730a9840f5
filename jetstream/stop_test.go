package jetstream_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/jetstream"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// numbers returns n numbers from 0.
func numbers(n int) []int {
	ns := make([]int, n)
	for i := range ns {
		ns[i] = i
	}
	return ns
}

// Their leases would last for a minute, and a task that is given back with a pause, which
// the network loses, would wait for its lease, too.
func TestWhatWasNotBegunIsWithAnotherNodeAtOnce(t *testing.T) {
	for name, stop := range map[string]func(*jetstream.Feeder, *actors.Pool[int, int]){
		"stop": func(f *jetstream.Feeder, _ *actors.Pool[int, int]) { _, _ = f.Stop(t.Context()) },
		"close": func(f *jetstream.Feeder, p *actors.Pool[int, int]) {
			p.Close()
			<-f.Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			network := &loser{what: "-NAK {", lost: make(chan struct{}, 1)}
			network.loses.Store(true)
			there := open(t, t.TempDir(), jetstream.WithListen("127.0.0.1:0"))
			queue(t, there, jetstream.Lease(time.Minute))
			q := over(t, network, there)
			submit(t, q, numbers(10)...)
			g := newGate()
			p := pool(t, g.handle)
			f := attach(t, q, p, jetstream.WithPrefetch(8))
			eventually(t, q, func(s messages.DurableStats) bool { return s.InHand == 10 })
			had := []int{<-g.begun, <-g.begun}

			other := make(chan int, 10)
			attach(t, q, pool(t, func(ctx context.Context, n int) (int, error) {
				d, _ := jetstream.DeliveryFromContext(ctx)
				assert.Equal(t, slices.Contains(had, n), d.Again, "what was begun may have been done in part")
				other <- n
				return n, nil
			}))
			go stop(f, p)
			for range 8 {
				select {
				case <-other:
				case <-time.After(patience):
					require.Fail(t, "it waits for its lease")
				}
			}
			assert.Empty(t, network.lost, "tasks that are given back with a pause")
			close(g.open)
			eventually(t, q, empty)
			<-f.Done()
			stats := f.Stats()
			assert.Zero(t, stats.Held)
			assert.Equal(t, int64(10), stats.Acked+stats.GivenBack)
			if name == "stop" {
				assert.Equal(t, int64(2), stats.Acked, "those that had been begun were finished")
			}
		})
	}
}

func TestAStopThatMayNotWaitCancelsAndGivesBack(t *testing.T) {
	q := queue(t, open(t, t.TempDir()), jetstream.Lease(time.Minute))
	submit(t, q, 1, 2)
	g := newGate()
	f := attach(t, q, pool(t, g.handle))
	<-g.begun
	<-g.begun
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("no time")
	cancel(cause)
	stats, err := f.Stop(ctx)
	require.ErrorIs(t, err, cause)
	assert.Equal(t, []int64{2, 0, 0}, []int64{stats.GivenBack, stats.Retried, stats.Acked})

	_, err = f.Stop(t.Context())
	require.NoError(t, err)
	attach(t, q, pool(t, func(ctx context.Context, n int) (int, error) {
		d, _ := jetstream.DeliveryFromContext(ctx)
		assert.True(t, d.Again, "its first handler may have done a part")
		return n, nil
	}))
	eventually(t, q, empty)
}

// Only what was begun and failed is an attempt.
func TestWhatIsGivenBackHasAllItsAttempts(t *testing.T) {
	q := queue(t, open(t, t.TempDir()))
	submit(t, q, 1, 2, 3)
	for range 5 {
		g := newGate()
		p := pool(t, g.handle, actors.WithSize(1))
		f := attach(t, q, p, jetstream.WithPrefetch(2), soon(2), jetstream.WithLostLimit(1))
		<-g.begun
		eventually(t, q, func(s messages.DurableStats) bool { return s.InHand == 3 })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := f.Stop(ctx)
		require.ErrorIs(t, err, context.Canceled)
	}
	attach(t, q, pool(t, func(context.Context, int) (int, error) { return 0, errors.New("no") }), soon(2), jetstream.WithLostLimit(1))
	for _, letter := range dead(t, q, 3) {
		assert.Equal(t, messages.DeadAttempts, letter.Reason)
		assert.Equal(t, 2, letter.Attempts)
	}
}

func TestAPoolThatIsShutDownFinishesWhatItHasAndGivesBackTheRest(t *testing.T) {
	q := queue(t, open(t, t.TempDir()))
	submit(t, q, numbers(50)...)
	g := newGate()
	p := pool(t, g.handle)
	f := attach(t, q, p, jetstream.WithPrefetch(10))
	<-g.begun
	<-g.begun
	eventually(t, q, func(s messages.DurableStats) bool { return s.InHand == 12 })
	shut := make(chan error, 1)
	go func() {
		_, err := p.Shutdown(context.Background())
		shut <- err
	}()
	eventually(t, q, func(messages.DurableStats) bool {
		return errors.Is(p.Tell(t.Context(), -1, actors.NoWait()), messages.ErrPoolStopped)
	})
	close(g.open)
	require.NoError(t, <-shut)
	<-f.Done()
	acked := f.Stats().Acked
	assert.GreaterOrEqual(t, acked, int64(2))
	assert.Less(t, acked, int64(50))
	assert.Zero(t, f.Stats().Held)
	eventually(t, q, func(s messages.DurableStats) bool { return acked+s.Ready+s.InHand == 50 })
}

func TestAPausedPoolGivesBackWhatItHasNotBegun(t *testing.T) {
	q := queue(t, open(t, t.TempDir()), jetstream.Lease(time.Second))
	g := newGate()
	p := pool(t, g.handle, actors.WithSize(1))
	submit(t, q, numbers(4)...)
	f := attach(t, q, p, jetstream.WithPrefetch(3))
	<-g.begun
	eventually(t, q, func(messages.DurableStats) bool { return f.Stats().Held == 4 })
	p.Pause()
	eventually(t, q, func(messages.DurableStats) bool { return f.Stats().Held == 1 })
	p.Resume()
	close(g.open)
	eventually(t, q, empty)
	assert.GreaterOrEqual(t, f.Stats().GivenBack, int64(3))
}

func TestAFeederStopsWithItsStore(t *testing.T) {
	store, err := jetstream.Open(t.Context(), jetstream.WithDirectory(t.TempDir()), jetstream.WithLogger(quiet()))
	require.NoError(t, err)
	q := queue(t, store)
	p := pool(t, func(_ context.Context, n int) (int, error) { return n, nil })
	f := attach(t, q, p)
	submit(t, q, 1)
	eventually(t, q, empty)
	require.NoError(t, store.Close(t.Context()))
	<-f.Done()
	assert.Equal(t, int64(1), f.Stats().Acked)
	_, err = jetstream.Attach(q, p)
	require.Error(t, err)
	_, err = q.Submit(t.Context(), 1)
	require.ErrorIs(t, err, jetstream.ErrUnavailable)
	require.NoError(t, store.Close(t.Context()), "a second time")
}

func TestAStoreIsClosedByWhoeverIsLastToStopItsFeeders(t *testing.T) {
	store, err := jetstream.Open(t.Context(), jetstream.WithDirectory(t.TempDir()), jetstream.WithLogger(quiet()))
	require.NoError(t, err)
	q := queue(t, store)
	g := newGate()
	f := attach(t, q, pool(t, g.handle))
	submit(t, q, 1)
	<-g.begun
	closed := make(chan error, 2)
	for range 2 {
		go func() { closed <- store.Close(context.Background()) }()
	}
	require.Never(t, func() bool { return len(closed) > 0 }, 100*time.Millisecond, 10*time.Millisecond, "the handler is not done")
	close(g.open)
	require.NoError(t, <-closed)
	require.NoError(t, <-closed)
	assert.Equal(t, int64(1), f.Stats().Acked)
}

// What is in the store is there when it is opened again.
func TestTasksOutliveTheirStore(t *testing.T) {
	directory := t.TempDir()
	for _, durability := range []jetstream.Durability{jetstream.Process, jetstream.Power} {
		store, err := jetstream.Open(t.Context(), jetstream.WithDirectory(directory), jetstream.WithLogger(quiet()), jetstream.WithDurability(durability))
		require.NoError(t, err)
		submit(t, queue(t, store), 1, 2, 3)
		require.NoError(t, store.Close(t.Context()))
	}
	q := queue(t, open(t, directory))
	assert.Equal(t, int64(6), inspect(t, q).Ready)
	f := attach(t, q, pool(t, func(_ context.Context, n int) (int, error) { return n, nil }))
	eventually(t, q, empty)
	assert.Equal(t, int64(6), f.Stats().Acked)
}

// A second Close must not take the store away from the first one, which waits for handlers.
func TestAStoreThatIsClosedTwiceAtOnceWaitsForItsFeeders(t *testing.T) {
	store, err := jetstream.Open(t.Context(), jetstream.WithDirectory(t.TempDir()), jetstream.WithLogger(quiet()))
	require.NoError(t, err)
	q := queue(t, store)
	g := newGate()
	one, two := attach(t, q, pool(t, g.handle, actors.WithSize(1))), attach(t, q, pool(t, g.handle, actors.WithSize(1)))
	submit(t, q, 1, 2)
	<-g.begun
	<-g.begun
	closed := make(chan error, 2)
	for range 2 {
		go func() { closed <- store.Close(context.Background()) }()
	}
	select {
	case err := <-closed:
		assert.Fail(t, "closed while handlers run", "%v", err)
	case <-time.After(100 * time.Millisecond):
	}
	close(g.open)
	require.NoError(t, <-closed)
	require.NoError(t, <-closed)
	assert.Equal(t, int64(2), one.Stats().Acked+two.Stats().Acked)
}

// That a task waited in the pool's queue is no attempt.
func TestWhatWasNotBegunHasNotRunForTooLong(t *testing.T) {
	q := queue(t, open(t, t.TempDir()), jetstream.Lease(3*time.Second))
	submit(t, q, numbers(20)...) // one of them waits when another one has run for too long
	g := newGate()
	defer close(g.open)
	f := attach(t, q, pool(t, g.handle, actors.WithSize(1)),
		jetstream.WithPrefetch(1), jetstream.WithMaxRun(500*time.Millisecond), jetstream.WithRetry(noRetry))
	require.Eventually(t, func() bool { return f.Stats().GivenBack >= 1 && f.Stats().Dead >= 1 }, patience, time.Millisecond)
}

// lateTracer has a task's submitter hear late that the pool has accepted it.
type lateTracer struct{ accepted, told chan struct{} }

func (l *lateTracer) Submitted(_ context.Context, task router.Traced) (map[string]string, func(error)) {
	return task.Headers, func(error) {
		close(l.accepted)
		<-l.told
	}
}

func (*lateTracer) Begun(ctx context.Context, _ router.Traced) (context.Context, func(messages.Outcome, error)) {
	return ctx, func(messages.Outcome, error) {}
}

func TestAStopThatMayNotWaitCancelsWhatIsBegunMeanwhile(t *testing.T) {
	q := queue(t, open(t, t.TempDir()))
	g := newGate()
	tracer := &lateTracer{make(chan struct{}), make(chan struct{})}
	f := attach(t, q, pool(t, g.handle, actors.WithTracer(tracer)))
	submit(t, q, 1)
	<-tracer.accepted
	<-g.begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stopped := make(chan messages.DurableNode)
	go func() {
		stats, _ := f.Stop(ctx)
		stopped <- stats
	}()
	time.Sleep(50 * time.Millisecond) // it has canceled what there was
	close(tracer.told)
	select {
	case stats := <-stopped:
		assert.Equal(t, int64(1), stats.GivenBack)
	case <-time.After(patience):
		require.Fail(t, "it waits for the handler")
	}
}
