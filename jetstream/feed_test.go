package jetstream_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/jetstream"
	"github.com/troupe-go/troupe/messages"
)

func TestATaskGoesThroughTheStoreAndItsResultComesBack(t *testing.T) {
	q := queue(t, open(t, t.TempDir()), jetstream.Results(time.Minute))
	receipt, err := q.Submit(t.Context(), 21)
	require.NoError(t, err)

	f := attach(t, q, pool(t, func(_ context.Context, n int) (int, error) { return 2 * n, nil }))
	out, err := jetstream.Await[int](t.Context(), q, receipt.ID)
	require.NoError(t, err)
	assert.Equal(t, 42, out)

	node, err := f.Stop(t.Context())
	require.NoError(t, err)
	assert.Equal(t, int64(1), node.Acked)
	eventually(t, q, empty) // the server counts an acknowledgment a moment later
}

func TestNoMoreIsTakenThanThePoolHasRoomFor(t *testing.T) {
	for name, c := range map[string]struct {
		pool   []actors.Option
		attach []jetstream.AttachOption
		least  int64 // it asks anew when half of what is ahead has been used
		most   int64 // one more may come, that was asked for when there was nothing
	}{
		"by its pace":           {least: 2, most: 3},
		"with a prefetch":       {attach: []jetstream.AttachOption{jetstream.WithPrefetch(3)}, least: 4, most: 6},
		"of a pool of no queue": {pool: []actors.Option{actors.WithQueue(0, actors.Block)}, attach: []jetstream.AttachOption{jetstream.WithPrefetch(3)}, least: 2, most: 3},
	} {
		t.Run(name, func(t *testing.T) {
			q := queue(t, open(t, t.TempDir()))
			submit(t, q, numbers(20)...)
			g := newGate()
			f := attach(t, q, pool(t, g.handle, c.pool...), c.attach...)
			<-g.begun
			<-g.begun
			eventually(t, q, func(s messages.DurableStats) bool { return s.InHand >= c.least })
			assert.LessOrEqual(t, inspect(t, q).InHand, c.most)
			close(g.open)
			eventually(t, q, empty)
			assert.Equal(t, int64(20), f.Stats().Acked)
		})
	}
}

// What others have submitted to the pool takes the place of what the queue would give.
func TestAPoolThatIsBusyWithOthersIsLeftAlone(t *testing.T) {
	q := queue(t, open(t, t.TempDir()))
	g := newGate()
	p := pool(t, g.handle)
	require.NoError(t, p.Tell(t.Context(), -1))
	require.NoError(t, p.Tell(t.Context(), -2))
	<-g.begun
	<-g.begun
	f := attach(t, q, p)
	submit(t, q, 1, 2, 3)
	time.Sleep(50 * time.Millisecond) // it would take them now
	assert.Zero(t, f.Stats().Held)
	close(g.open)
	eventually(t, q, empty)
}

func TestAHigherLevelIsServedFirst(t *testing.T) {
	q := queue(t, open(t, t.TempDir()), jetstream.Levels(3))
	for n := range 9 {
		_, err := q.Submit(t.Context(), n, jetstream.Priority(n%3))
		require.NoError(t, err)
	}
	stats := inspect(t, q)
	require.Len(t, stats.Levels, 3)
	assert.Equal(t, messages.DurableLevel{Priority: 2, Ready: 3}, stats.Levels[0])

	order := make(chan int, 9)
	attach(t, q, pool(t, func(_ context.Context, n int) (int, error) { order <- n; return n, nil }, actors.WithSize(1)),
		jetstream.WithPrefetch(0))
	for _, want := range []int{2, 5, 8, 1, 4, 7, 0, 3, 6} {
		assert.Equal(t, want, <-order)
	}
}

func TestADelayedTaskIsBegunInItsTime(t *testing.T) {
	q := queue(t, open(t, t.TempDir()))
	begun := make(chan time.Time, 2)
	attach(t, q, pool(t, func(ctx context.Context, n int) (int, error) {
		begun <- time.Now()
		d, ok := jetstream.DeliveryFromContext(ctx)
		assert.True(t, ok)
		assert.WithinDuration(t, time.Now(), d.Submitted, patience)
		return n, nil
	}))
	start := time.Now()
	for _, o := range []jetstream.SubmitOption{jetstream.Delay(time.Second), jetstream.At(start.Add(time.Second))} {
		_, err := q.Submit(t.Context(), 1, o)
		require.NoError(t, err)
	}
	for range 2 {
		assert.GreaterOrEqual(t, (<-begun).Sub(start), time.Second)
	}
	_, err := q.Submit(t.Context(), 1, jetstream.At(start))
	require.NoError(t, err)
	<-begun
	eventually(t, q, empty)
}

func TestATaskThatFailsIsTriedAgainAndThenADeadLetter(t *testing.T) {
	q := queue(t, open(t, t.TempDir(), jetstream.WithNode("here")), jetstream.Results(time.Minute))
	for name, c := range map[string]struct {
		fail     func() error
		attempts int
		outcome  messages.Outcome
		text     string
	}{
		"error":    {func() error { return errors.New("no luck") }, 3, messages.Failed, "no luck"},
		"panic":    {func() error { panic("oh no") }, 3, messages.Panicked, "troupe: handler panicked: oh no"},
		"no retry": {func() error { return messages.NoRetry(errors.New("never")) }, 1, messages.Failed, "never"},
		"named canceled": {
			func() error { return actors.WithOutcome(messages.Canceled, errors.New("unwanted")) },
			1, messages.Canceled, "troupe: task canceled: unwanted",
		},
		"named dropped": {
			func() error { return actors.WithOutcome(messages.Dropped, errors.New("moved")) },
			1, messages.Dropped, "troupe: task dropped: moved",
		},
		"hostile":  {func() error { return hostile{} }, 3, messages.Failed, "jetstream_test.hostile, whose text cannot be read: panicked: no text"},
		"textless": {func() error { return errors.New("") }, 3, messages.Failed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var times []int
			f := attach(t, q, pool(t, func(ctx context.Context, _ int) (int, error) {
				d, _ := jetstream.DeliveryFromContext(ctx)
				times = append(times, d.Times)
				assert.Equal(t, d.Times > 1, d.Again)
				return 0, c.fail()
			}), soon(3))
			receipt, err := q.Submit(t.Context(), 1, jetstream.Key("k"), jetstream.Header("a", "b\n "))
			require.NoError(t, err)

			letter := dead(t, q, 1)[0]
			assert.Equal(t, []int{1, 2, 3}[:c.attempts], times)
			assert.Equal(t, receipt.ID, letter.ID)
			assert.Equal(t, "k", letter.Key)
			assert.Equal(t, map[string]string{"a": "b\n "}, letter.Headers)
			assert.Equal(t, "1", string(letter.Payload))
			assert.Equal(t, messages.DeadAttempts, letter.Reason)
			assert.Equal(t, c.outcome, letter.Outcome)
			assert.Equal(t, c.text, letter.Err)
			assert.Equal(t, c.attempts, letter.Attempts)
			assert.Equal(t, "here", letter.Node)
			assert.WithinDuration(t, time.Now(), letter.Died, patience)
			assert.False(t, letter.Submitted.After(letter.Died))
			if c.outcome == messages.Panicked {
				assert.Contains(t, letter.Stack, "feed_test.go")
			}

			_, err = jetstream.Await[int](t.Context(), q, receipt.ID)
			var failure *jetstream.TaskError
			require.ErrorAs(t, err, &failure)
			assert.Equal(t, c.text, failure.Text)
			assert.Equal(t, c.outcome == messages.Panicked, errors.As(err, new(*messages.PanicError)))

			stats, err := f.Stop(t.Context())
			require.NoError(t, err)
			assert.Equal(t, []int64{int64(c.attempts) - 1, 1, 0}, []int64{stats.Retried, stats.Dead, stats.Acked})
			n, err := q.Delete(t.Context(), letter.Number)
			require.NoError(t, err)
			assert.Equal(t, 1, n)
		})
	}
}

// hostile is an error whose text cannot be had.
type hostile struct{}

func (hostile) Error() string { panic("no text") }
func (hostile) As(any) bool   { panic("nor anything else") }

func TestAHandlerSaysWhenItsTaskIsTriedAgain(t *testing.T) {
	q := queue(t, open(t, t.TempDir()))
	var begun []time.Time
	attach(t, q, pool(t, func(context.Context, int) (int, error) {
		begun = append(begun, time.Now())
		if len(begun) == 1 {
			return 0, messages.RetryAfter(300 * time.Millisecond)
		}
		return 0, nil
	}), jetstream.WithRetry(actors.Retry{Attempts: 2, Min: time.Hour, Max: time.Hour}))
	submit(t, q, 1)
	eventually(t, q, empty)
	require.Len(t, begun, 2)
	assert.GreaterOrEqual(t, begun[1].Sub(begun[0]), 300*time.Millisecond)
}

// A task in its pause takes nobody's place.
func TestATaskThatWaitsForItsNextAttemptHoldsUpNobody(t *testing.T) {
	q := queue(t, open(t, t.TempDir()))
	attach(t, q, pool(t, func(_ context.Context, n int) (int, error) {
		if n < 0 {
			return 0, errors.New("no")
		}
		return n, nil
	}, actors.WithSize(1)), jetstream.WithRetry(actors.Retry{Attempts: 2, Min: time.Hour, Max: time.Hour, On: actors.AnyError}))
	submit(t, q, -1, -2, -3, 1, 2, 3)
	eventually(t, q, func(s messages.DurableStats) bool { return s.Ready == 0 && s.InHand == 3 && s.Retrying == 3 })
}

func TestAttemptsEndByTheirTimeouts(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	hang := func(context.Context, int) (int, error) {
		<-release
		return 0, nil
	}
	for name, c := range map[string]struct {
		pool   []actors.Option
		attach []jetstream.AttachOption
		submit []jetstream.SubmitOption
	}{
		"of the pool":    {pool: []actors.Option{actors.WithTaskTimeout(50 * time.Millisecond)}},
		"of the task":    {submit: []jetstream.SubmitOption{jetstream.Timeout(50 * time.Millisecond)}},
		"of the feeder":  {attach: []jetstream.AttachOption{jetstream.WithMaxRun(time.Second)}},
		"all three ways": {pool: []actors.Option{actors.WithTaskTimeout(time.Hour)}, attach: []jetstream.AttachOption{jetstream.WithMaxRun(time.Hour)}, submit: []jetstream.SubmitOption{jetstream.Timeout(time.Millisecond)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := queue(t, open(t, t.TempDir()), jetstream.Lease(time.Second), jetstream.Results(time.Minute))
			attach(t, q, pool(t, hang, append(c.pool, actors.WithSize(2), actors.WithWatchdog(actors.Watchdog{Grace: 10 * time.Millisecond}))...),
				append(c.attach, soon(2))...)
			receipt, err := q.Submit(t.Context(), 1, c.submit...)
			require.NoError(t, err)
			letter := dead(t, q, 1)[0]
			assert.Equal(t, messages.TimedOut, letter.Outcome)
			assert.Equal(t, 2, letter.Attempts)
			_, err = jetstream.Await[int](t.Context(), q, receipt.ID)
			require.ErrorIs(t, err, messages.ErrTaskTimeout)
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
	}
}

// Two pools would both have it if its lease were lost.
func TestALeaseIsNotLostWhileTheHandlerRuns(t *testing.T) {
	t.Parallel()
	const lease = 3 * time.Second // the feeder extends it every second, also on a busy machine
	q := queue(t, open(t, t.TempDir()), jetstream.Lease(lease))
	var begun atomic.Int64
	slow := func(ctx context.Context, n int) (int, error) {
		begun.Add(1)
		select {
		case <-time.After(2*lease + time.Second):
			return n, nil
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
	one, two := attach(t, q, pool(t, slow)), attach(t, q, pool(t, slow))
	submit(t, q, 1, 2, 3)
	eventually(t, q, empty)
	assert.Equal(t, int64(3), begun.Load())
	assert.Equal(t, int64(3), one.Stats().Acked+two.Stats().Acked)
}
