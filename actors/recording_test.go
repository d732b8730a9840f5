package actors_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/directory"
	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

func TestAJournalHasWhatEndsWhileItIsAttachedOnce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Double, actors.WithSize(2))
		ask := func() {
			_, err := pool.Ask(t.Context(), 1)
			require.NoError(t, err)
		}
		ask()
		j := pooltest.AttachJournal(root, journal.Options{Keep: 10})
		directory.Pools(root.ActorSystem())[0].Attach(j)
		ask()
		directory.Pools(root.ActorSystem())[0].Detach(j)
		ask()
		entries, _, _ := j.Since(0)
		require.Len(t, entries, 1)
		assert.EqualValues(t, 2, entries[0].Seq)
	})
}

// A worker that has taken many tasks at once need not come to the queue before their end.
func TestAJournalAttachedDuringABatchHasTheRestOfIt(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		var j *journal.Journal
		pool := pooltest.Open(t, root, func(_ context.Context, n int) (int, error) {
			if n == 3 {
				j = pooltest.AttachJournal(root, journal.Options{Keep: 100})
			}
			return n, nil
		}, actors.WithSize(1))
		_, err := pool.Ask(t.Context(), 0) // its tasks are short
		require.NoError(t, err)
		pool.Pause()
		for n := range 10 {
			require.NoError(t, pool.Tell(t.Context(), n, actors.ID(fmt.Sprint(n))))
		}
		pool.Resume()
		require.NoError(t, pool.Wait(t.Context()))
		var ids []string
		entries, _, _ := j.Since(0)
		for _, e := range entries {
			ids = append(ids, e.ID)
		}
		assert.Equal(t, []string{"3", "4", "5", "6", "7", "8", "9"}, ids)
		assert.True(t, entries[0].Bound, "nobody had asked for its time when it began")
		assert.False(t, entries[1].Bound)
	})
}

// Beyond what anybody reads, one success of each batch is recorded, and every failure.
func TestAFloodOfShortTasksIsRecordedInPart(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		const tasks = 20_000
		pool := pooltest.Open(t, root, func(_ context.Context, n int) (int, error) {
			if n%100 == 0 {
				return 0, pooltest.ErrTask
			}
			return n, nil
		}, actors.WithSize(1), actors.WithQueue(actors.Unbounded, actors.Block))
		j := pooltest.AttachJournal(root, journal.Options{Keep: tasks * 2})
		_, err := pool.Ask(t.Context(), 1)
		require.NoError(t, err)
		pool.Pause()
		for n := range tasks {
			require.NoError(t, pool.Tell(t.Context(), n))
		}
		pool.Resume()
		require.NoError(t, pool.Wait(t.Context()))
		entries, _, missed := j.Since(0)
		assert.Zero(t, missed)
		count := make(map[messages.Outcome]int)
		for _, e := range entries {
			count[e.Outcome]++
		}
		assert.Equal(t, tasks/100, count[messages.Failed])
		assert.GreaterOrEqual(t, count[messages.Succeeded], 256)
		assert.Less(t, count[messages.Succeeded], tasks/2)
	})
}

func TestTheTasksOfActorsAndBroadcastsAreRecorded(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Spawn(t, root, actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				switch msg := ctx.Message().(type) {
				case time.Duration:
					time.Sleep(msg)
				case string:
					time.Sleep(time.Second)
					panic(msg)
				}
			})
		}, actors.WithSize(2)))
		j := pooltest.AttachJournal(root, journal.Options{Keep: 10, Payload: func(p any) string { return fmt.Sprint(p) }})
		began := time.Now()
		root.Send(pool, "crash")
		time.Sleep(time.Minute)
		root.Send(pool, &messages.Broadcast{Message: time.Second})
		time.Sleep(time.Minute)
		assert.Equal(t, []note{
			{"1", messages.Panicked, 1, true, false, 1, 0, 1},
			{"2", messages.Succeeded, 1, true, false, 61, 0, 1},
			{"3", messages.Succeeded, 1, true, false, 61, 0, 1},
		}, sortedNotes(notes(j, began)))
		entries, _, _ := j.Since(0)
		assert.Equal(t, "crash", entries[0].Payload)
		assert.Equal(t, "1s", entries[1].Payload)
		assert.NotEqual(t, entries[1].Worker, entries[2].Worker)
	})
}

func sortedNotes(list []note) []note {
	for i := range list {
		for k := i; k > 0 && list[k].id < list[k-1].id; k-- {
			list[k], list[k-1] = list[k-1], list[k]
		}
	}
	return list
}

// A foreign actor has the message when its worker is done.
func TestAPayloadThatSomebodyStillWorksOnIsNotLookedAt(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		format := journal.Options{Keep: 10, Payload: func(p any) string { return fmt.Sprint(*p.(*int)) }}
		props := actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(actor.Context) {})
		}, actors.WithSize(1), actors.WithDispatch(router.Custom(func(_ router.TaskView, workers router.Workers) int {
			return workers.Len() - 1 // who came last: the foreign one
		})))
		pool := pooltest.Spawn(t, root, props)
		j := pooltest.AttachJournal(root, format)
		foreign := pooltest.Spawn(t, root, actor.PropsFromFunc(func(ctx actor.Context) {
			if n, ok := ctx.Message().(*int); ok {
				*n++
			}
		}))
		root.Send(pool, &protorouter.AddRoutee{PID: foreign})
		synctest.Wait()
		root.Send(pool, new(int))
		synctest.Wait()
		entries, _, _ := j.Since(0)
		require.Len(t, entries, 1)
		assert.Empty(t, entries[0].Payload)

		late := pooltest.Open(t, root, func(_ context.Context, n *int) (int, error) {
			for range 10 {
				*n++
				time.Sleep(time.Second)
			}
			return *n, nil
		})
		j = pooltest.AttachJournal(root, format)
		_, err := late.Ask(t.Context(), new(int), actors.Timeout(4500*time.Millisecond))
		assert.ErrorIs(t, err, messages.ErrTaskTimeout)
		require.NoError(t, late.Wait(t.Context()))
		synctest.Wait()
		entries, _, _ = j.Since(0)
		require.Len(t, entries, 1)
		assert.Empty(t, entries[0].Payload)
	})
}

func TestAFormatterMayDoItsWorst(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, do, actors.WithSize(1), actors.WithQueue(0, actors.DropNewest))
		for _, format := range []func(any) string{
			func(any) string { panic("no") },
			func(any) string { runtime.Goexit(); return "" },
			func(any) string { return pool.PID().Id + fmt.Sprint(pool.Stats().Submitted) }, // no lock is held
		} {
			j := pooltest.AttachJournal(root, journal.Options{Keep: 10, Payload: format})
			require.NoError(t, pool.Tell(t.Context(), takes(time.Second, pooltest.ErrTask)))
			require.NoError(t, pool.Tell(t.Context(), takes(time.Second, nil)))
			require.NoError(t, pool.Wait(t.Context()))
			entries, _, _ := j.Since(0)
			require.Len(t, entries, 2)
			assert.NotEmpty(t, entries[0].Payload)
			assert.NotEmpty(t, entries[1].Payload)
		}
		assert.Zero(t, pool.Stats().Restarts)
	})
}
