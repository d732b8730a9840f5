package dashboard_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

func TestTheWorkerToBlameComesFirst(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		d := show(t, system)
		release := make(chan struct{})
		p := pooltest.Open(t, system.Root, func(_ context.Context, in string) (string, error) {
			if in == "stuck" {
				<-release
			}
			time.Sleep(time.Millisecond)
			return in, nil
		}, actors.WithName("p"), actors.WithSize(5))
		defer close(release)
		require.NoError(t, p.Tell(t.Context(), "stuck", actors.ID("stuck")))
		for range 30 {
			require.NoError(t, p.Tell(t.Context(), "well"))
		}
		time.Sleep(11 * time.Second)
		synctest.Wait()
		said := answer[workers](t, d, "/workers?pool=p")
		assert.Equal(t, 5, said.Total)
		assert.Equal(t, "stuck", said.Workers[0].Task)
		assert.True(t, said.Workers[0].Long)
		assert.InDelta(t, 11, said.Workers[0].Elapsed, 1)
		assert.Equal(t, 1, answer[workers](t, d, "/workers?pool=p&find=busy").Found)

		f := now(t, d)
		assert.Equal(t, "trouble", f.Pools[0].Level)
		assert.Equal(t, alert{
			Level: "trouble", Text: said.Workers[0].Name + " has been on task stuck for 11s", Page: "workers", Find: said.Workers[0].ID,
		}, f.Pools[0].Alerts[0])
	})
}

func TestRejectionsAreShownByTheirReasons(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		d := show(t, system)
		p := pooltest.Open(t, system.Root, nothing, actors.WithName("p"), actors.WithQueue(0, actors.Reject), actors.WithSize(1))
		p.Pause()
		for range 3 {
			require.ErrorIs(t, p.Tell(t.Context(), 1), messages.ErrQueueFull)
		}
		system.Root.Send(p.PID(), "of another type")
		time.Sleep(time.Second)
		synctest.Wait()
		f := now(t, d)
		assert.Equal(t, map[string]int64{"queue_full": 3, "payload_type": 1}, f.Pools[0].Rejections)
		assert.Contains(t, f.Pools[0].texts(), "trouble: 100 % of what came in the last 10 s was rejected: 4 tasks, mostly queue full")
		assert.Contains(t, f.Pools[0].texts(), "note: paused: queued tasks wait")
	})
}

func TestItIsWellAgainTenSecondsAfterTheLastFailure(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		d := show(t, system)
		p := pooltest.Open(t, system.Root, func(context.Context, int) (int, error) { return 0, pooltest.ErrTask }, actors.WithName("p"))
		for range 10 {
			_, err := p.Ask(t.Context(), 1)
			require.ErrorIs(t, err, pooltest.ErrTask)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		f := now(t, d)
		assert.Equal(t, []string{"trouble: 100 % of the tasks of the last 10 s went wrong: 10 of 10"}, f.Pools[0].texts())
		time.Sleep(10 * time.Second)
		synctest.Wait()
		assert.Empty(t, now(t, d).Pools[0].Alerts)
	})
}

func TestAPausedPoolInWhichTasksWaitSaysSoFirst(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		d := show(t, system)
		p := pooltest.Open(t, system.Root, nothing, actors.WithName("p"), actors.WithQueue(2, actors.Reject))
		p.Pause()
		for range 2 {
			require.NoError(t, p.Tell(t.Context(), 1))
		}
		require.ErrorIs(t, p.Tell(t.Context(), 1), messages.ErrQueueFull)
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, []string{
			"warning: paused: queued tasks wait",
			"warning: 33 % of what came in the last 10 s was rejected: 1 task, mostly queue full",
			"note: the queue is full: 2 of 2",
		}, now(t, d).Pools[0].texts())
	})
}

func TestAHandlerThatIgnoresTheEndOfItsTaskIsNoticed(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		d := show(t, system)
		release := make(chan struct{})
		defer close(release)
		p := pooltest.Open(t, system.Root, func(_ context.Context, in string) (int, error) {
			if in == "stuck" {
				<-release
			}
			return 0, nil
		}, actors.WithName("p"), actors.WithSize(4))
		for range 50 {
			_, err := p.Ask(t.Context(), "well")
			require.NoError(t, err)
		}
		for _, id := range []string{"first", "second"} {
			_, err := p.Ask(t.Context(), "stuck", actors.ID(id), actors.Timeout(time.Second/2))
			require.ErrorIs(t, err, messages.ErrTaskTimeout)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Contains(t, now(t, d).Pools[0].texts(),
			"warning: 2 handlers go on with a task that has timed out or was canceled: first, for 3s in all")
		assert.Equal(t, 2, answer[workers](t, d, "/workers?pool=p&find=overdue").Found)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		assert.Regexp(t, "^trouble: worker . has been on task first for 13s, and 1 other is on theirs for too long as well$", now(t, d).Pools[0].texts()[0])
	})
}

func TestATaskThatTakesLongWhereNoneIsKnownIsNoTroubleYet(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		d := show(t, system)
		p := pooltest.Open(t, system.Root, func(context.Context, int) (int, error) {
			time.Sleep(time.Minute)
			return 0, nil
		}, actors.WithName("p"))
		require.NoError(t, p.Tell(t.Context(), 1))
		time.Sleep(40 * time.Second)
		synctest.Wait()
		assert.Regexp(t, "^warning: worker . has been on task 1 for 40s$", now(t, d).Pools[0].texts()[0])
		require.NoError(t, p.Wait(t.Context()))
	})
}

func TestADegradedPoolSaysSo(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		d := show(t, system)
		release := make(chan struct{})
		defer close(release)
		p := pooltest.Open(t, system.Root, func(context.Context, int) (int, error) {
			<-release
			return 0, nil
		}, actors.WithName("p"), actors.WithWatchdog(actors.Watchdog{Grace: time.Second}))
		_, err := p.Ask(t.Context(), 1, actors.Timeout(time.Second))
		require.ErrorIs(t, err, messages.ErrTaskTimeout)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		assert.Contains(t, now(t, d).Pools[0].texts(), "trouble: 1 handler ignores the end of its task and was abandoned")
	})
}
