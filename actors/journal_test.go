package actors_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// note has the fields of an entry that tests compare. Times are in seconds.
type note struct {
	id            string
	outcome       messages.Outcome
	attempts      int
	worked        bool // a worker is named
	again         bool
	at, wait, run float64
}

// notes returns the entries so far, with their times since began.
func notes(j *journal.Journal, began time.Time) []note {
	synctest.Wait() // a task's outcome is entered when it has it, or soon after
	entries, _, _ := j.Since(0)
	list := []note{}
	for _, e := range entries {
		list = append(list, note{
			e.TaskID(), e.Outcome, e.Attempts, e.Worker != "", e.Again,
			e.At.Sub(began).Seconds(), e.Wait.Seconds(), e.Run.Seconds(),
		})
	}
	return list
}

func TestAJournalSaysHowEachTaskEnded(t *testing.T) {
	const s = time.Second
	type pool = *actors.Pool[deed, int]
	tell := func(t *testing.T, p pool, id string, d deed, opts ...actors.TaskOption) {
		t.Helper()
		require.NoError(t, p.Tell(t.Context(), d, append(opts, actors.ID(id))...))
	}
	one := func(more ...actors.Option) []actors.Option { return append(more, actors.WithSize(1)) }
	for name, tt := range map[string]struct {
		options []actors.Option
		do      func(t *testing.T, p pool)
		want    []note
	}{
		"done by a worker": {one(), func(t *testing.T, p pool) {
			tell(t, p, "ok", takes(2*s, nil))
			tell(t, p, "fails", takes(3*s, pooltest.ErrTask))
			tell(t, p, "panics", crashesAfter(s))
		}, []note{
			{"ok", messages.Succeeded, 1, true, false, 2, 0, 2},
			{"fails", messages.Failed, 1, true, false, 5, 2, 3},
			{"panics", messages.Panicked, 1, true, false, 6, 5, 1},
		}},
		"timed out": {one(), func(t *testing.T, p pool) {
			tell(t, p, "first", takes(4*s, nil))
			tell(t, p, "queued", takes(s, nil), actors.Timeout(3*s))
			tell(t, p, "running", takes(9*s, nil), actors.Timeout(6*s))
		}, []note{
			{"queued", messages.TimedOut, 0, false, false, 3, 3, 0},
			{"first", messages.Succeeded, 1, true, false, 4, 0, 4},
			{"running", messages.TimedOut, 1, true, false, 6, 4, 2},
		}},
		"canceled": {one(), func(t *testing.T, p pool) {
			running, err := p.Submit(t.Context(), takes(9*s, nil), actors.ID("running"))
			require.NoError(t, err)
			queued, err := p.Submit(t.Context(), takes(9*s, nil), actors.ID("queued"))
			require.NoError(t, err)
			time.Sleep(s)
			queued.Cancel()
			time.Sleep(s)
			running.Cancel()
			running.Cancel()
		}, []note{
			{"queued", messages.Canceled, 0, false, false, 1, 1, 0},
			{"running", messages.Canceled, 1, true, false, 2, 0, 2},
		}},
		"closed": {one(), func(t *testing.T, p pool) {
			tell(t, p, "running", takes(9*s, nil))
			tell(t, p, "queued", takes(9*s, nil))
			time.Sleep(s)
			p.Close()
		}, []note{
			{"queued", messages.Dropped, 0, false, false, 1, 1, 0},
			{"running", messages.Canceled, 1, true, false, 1, 0, 1},
		}},
		"dropped for another": {one(actors.WithQueue(1, actors.DropOldest)), func(t *testing.T, p pool) {
			tell(t, p, "a", takes(3*s, nil))
			tell(t, p, "b", takes(3*s, nil))
			time.Sleep(s)
			tell(t, p, "c", takes(3*s, nil))
		}, []note{
			{"b", messages.Dropped, 0, false, false, 1, 1, 0},
			{"a", messages.Succeeded, 1, true, false, 3, 0, 3},
			{"c", messages.Succeeded, 1, true, false, 6, 2, 3},
		}},
		"dropped at once": {one(actors.WithQueue(0, actors.DropNewest)), func(t *testing.T, p pool) {
			tell(t, p, "a", takes(3*s, nil))
			time.Sleep(s)
			tell(t, p, "b", takes(3*s, nil))
		}, []note{
			{"b", messages.Dropped, 0, false, false, 1, 0, 0},
			{"a", messages.Succeeded, 1, true, false, 3, 0, 3},
		}},
		"retried": {one(retry(panics)), func(t *testing.T, p pool) {
			tell(t, p, "x", func(ctx context.Context) error {
				time.Sleep(s)
				switch actors.Attempt(ctx) {
				case 1:
					return pooltest.ErrTask
				case 2:
					panic(pooltest.ErrTask)
				default:
					return nil
				}
			})
		}, []note{
			{"x", messages.Failed, 1, true, true, 1, 0, 1},
			{"x", messages.Panicked, 2, true, true, 3, 0, 1},
			{"x", messages.Succeeded, 3, true, false, 6, 0, 1},
		}},
		"ended between two attempts": {one(retry()), func(t *testing.T, p pool) {
			f, err := p.Submit(t.Context(), takes(s, pooltest.ErrTask), actors.ID("x"))
			require.NoError(t, err)
			time.Sleep(4 * s) // its third attempt is due after 5
			f.Cancel()
		}, []note{
			{"x", messages.Failed, 1, true, true, 1, 0, 1},
			{"x", messages.Failed, 2, true, true, 3, 0, 1},
			{"x", messages.Canceled, 2, true, false, 4, 0, 0},
		}},
		"quarantined": {one(retry(panics), quarantine(2, 0)), func(t *testing.T, p pool) {
			tell(t, p, "x", crashesAfter(s))
			time.Sleep(4 * s)
			n, err := p.Requeue(1)
			require.NoError(t, err)
			require.Equal(t, 1, n)
		}, []note{
			{"x", messages.Panicked, 1, true, true, 1, 0, 1},
			{"x", messages.Quarantined, 2, true, false, 3, 0, 1},
			{"x", messages.Panicked, 1, true, true, 5, 0, 1},
			{"x", messages.Quarantined, 2, true, false, 7, 0, 1},
		}},
		"done by its caller": {one(actors.WithQueue(0, actors.CallerRuns), retry(panics)), func(t *testing.T, p pool) {
			tell(t, p, "worker's", takes(8*s, nil))
			tell(t, p, "ok", takes(s, nil))
			tell(t, p, "late", takes(9*s, nil), actors.Timeout(s))
			tell(t, p, "fails", takes(s, messages.NoRetry(pooltest.ErrTask)))
			tell(t, p, "again", func(ctx context.Context) error {
				time.Sleep(s)
				if actors.Attempt(ctx) == 1 {
					panic(pooltest.ErrTask)
				}
				return nil
			})
		}, []note{
			{"ok", messages.Succeeded, 1, false, false, 1, 0, 1},
			{"late", messages.TimedOut, 1, false, false, 2, 0, 1},
			{"fails", messages.Failed, 1, false, false, 3, 0, 1},
			{"again", messages.Panicked, 1, false, true, 4, 0, 1},
			{"worker's", messages.Succeeded, 1, true, false, 8, 0, 8},
			{"again", messages.Succeeded, 2, true, false, 9, 3, 1},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				p := pooltest.Open(t, root, do, tt.options...)
				j := pooltest.AttachJournal(root, journal.Options{Keep: 1000})
				began := time.Now()
				tt.do(t, p)
				require.NoError(t, p.Wait(t.Context()))
				assert.Equal(t, tt.want, notes(j, began))
			})
		})
	}
}

func TestAnEntryHasTheErrorAndWhatDescribesTheTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(_ context.Context, n int) (int, error) {
			if n == 2 {
				panic("oops")
			}
			return n, nil
		}, actors.WithSize(1))
		j := pooltest.AttachJournal(root, journal.Options{Keep: 10, Payload: func(p any) string { return fmt.Sprint("n=", p) }})
		silent := pooltest.AttachJournal(root, journal.Options{Keep: 10, FailuresOnly: true})
		require.NoError(t, pool.Tell(t.Context(), 1, actors.Key("k"), actors.Priority(3)))
		require.NoError(t, pool.Tell(t.Context(), 2, actors.ID("two")))
		require.NoError(t, pool.Wait(t.Context()))

		entries, _, _ := j.Since(0)
		require.Len(t, entries, 2)
		assert.Equal(t, [4]any{"1", "k", 3, "n=1"},
			[4]any{entries[0].TaskID(), entries[0].Key, entries[0].Priority, entries[0].Payload})
		require.NoError(t, entries[0].Err)
		var crash *messages.PanicError
		require.ErrorAs(t, entries[1].Err, &crash)
		assert.Equal(t, "oops", crash.Value)
		assert.NotEmpty(t, crash.Stack, "somebody may look at it")
		assert.Equal(t, "n=2", entries[1].Payload)

		entries, _, _ = silent.Since(0)
		require.Len(t, entries, 1)
		assert.Equal(t, "two", entries[0].ID)
		assert.Empty(t, entries[0].Payload)
	})
}

// The policy asks the user whether an error is worth another attempt. What ends the task
// meanwhile is its outcome.
func TestATaskThatEndsDuringTheRetryDecisionIsNotRetried(t *testing.T) {
	thinks := retry(func(p *actors.Retry) { p.On = func(error) bool { time.Sleep(2 * time.Second); return true } })
	for _, overflow := range []actors.Overflow{actors.Block, actors.CallerRuns} {
		t.Run(overflow.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Open(t, root, do, thinks, actors.WithSize(1), actors.WithQueue(0, overflow))
				if overflow == actors.CallerRuns {
					require.NoError(t, pool.Tell(t.Context(), takes(time.Minute, nil), actors.ID("worker's")))
				}
				j := pooltest.AttachJournal(root, journal.Options{Keep: 10, FailuresOnly: true})
				began := time.Now()
				ctx, cancel := context.WithCancel(t.Context())
				defer time.AfterFunc(time.Second, cancel).Stop()
				_, err := pool.Ask(ctx, takes(0, pooltest.ErrTask), actors.ID("x"))
				assert.ErrorIs(t, err, messages.ErrCanceled)
				require.NoError(t, pool.Wait(t.Context()))
				assert.Equal(t, []note{{"x", messages.Canceled, 1, overflow == actors.Block, false, 1, 0, 1}}, notes(j, began))
			})
		})
	}
}

// A task that was to be retried has the outcome of its last attempt if no worker is
// left for the next.
func TestATaskWithoutWorkersForItsRetryIsRecorded(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		stop := supervisor.OneForOne(supervisor.Restarts(0, 0))
		pool := pooltest.Open(t, root, do, actors.WithSize(1), actors.WithQueue(0, actors.CallerRuns), retry(), actors.WithSupervision(stop))
		j := pooltest.AttachJournal(root, journal.Options{Keep: 10})
		began := time.Now()
		require.NoError(t, pool.Tell(t.Context(), crashesAfter(time.Second), actors.ID("last")))
		require.NoError(t, pool.Tell(t.Context(), takes(2*time.Second, pooltest.ErrTask), actors.ID("x")))
		require.NoError(t, pool.Wait(t.Context()))
		require.ErrorIs(t, pool.Tell(t.Context(), takes(0, nil)), messages.ErrNoWorkers)
		assert.Equal(t, []note{
			{"last", messages.Panicked, 1, true, false, 1, 0, 1},
			{"x", messages.Failed, 1, false, true, 2, 0, 2},
			{"x", messages.Failed, 1, false, false, 2, 0, 2},
		}, notes(j, began))
	})
}
