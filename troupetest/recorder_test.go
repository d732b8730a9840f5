package troupetest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/troupetest"
)

func TestAPoolOfUserActorsIsRecorded(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		a := pooltest.StartActors(t)
		tasks := troupetest.Record(t, a.System, a.PID)
		a.System.Root.Send(a.PID, "hello")
		a.System.Root.Send(a.PID, &messages.Task{ID: "order-7", Payload: "milk"})
		a.Do(pooltest.Fail("no"))
		require.Len(t, tasks.Submitted(), 3)
		assert.Equal(t, []any{"hello", "milk"}, tasks.Submitted()[:2])
		assert.Equal(t, messages.Succeeded, tasks.Task("order-7").Outcome)
		assert.Equal(t, messages.Panicked, tasks.Records()[2].Outcome)
		assert.Equal(t, map[messages.Outcome]int{messages.Succeeded: 2, messages.Panicked: 1}, tasks.Outcomes())
	})
}

func TestTasksFromBeforeTheRecordingAreNotMissed(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		pool := pooltest.Open(t, system.Root, pooltest.Sleep, actors.WithSize(1))
		for range 3 {
			require.NoError(t, pool.Tell(t.Context(), time.Second))
		}
		time.Sleep(1500 * time.Millisecond)
		tasks := troupetest.Record(t, system, pool.PID())
		require.NoError(t, pool.Tell(t.Context(), time.Minute))
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, []any{time.Minute}, tasks.Submitted())
		assert.Len(t, tasks.Settled(), 1)
	})
}

func TestAPoolThatAnActorSpawnsIsRecordedByItsName(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		byName := troupetest.RecordNamed(t, system, "kitchen")
		byID := troupetest.RecordNamed(t, system, "restaurant/cooks")
		pid, err := system.Root.SpawnNamed(actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*actor.Started); ok {
				kitchen, err := ctx.SpawnNamed(actors.PropsFromHandler(pooltest.Double, actors.WithName("kitchen")), "cooks")
				assert.NoError(t, err)
				ctx.Send(kitchen, 21)
			}
		}), "restaurant")
		require.NoError(t, err)
		synctest.Wait()
		for _, tasks := range []*troupetest.Recorder[any]{byName, byID} {
			assert.Equal(t, []any{21}, tasks.Submitted())
			assert.Equal(t, messages.Succeeded, tasks.Settled()[0].Outcome)
		}
		require.NoError(t, pooltest.Stopped(system.Root.StopFuture(pid)))
	})
}

func TestAPIDThatIsNoPoolsEndsTheTest(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		pool := pooltest.Open(t, system.Root, pooltest.Double, actors.WithName("here"))
		for _, pid := range []*actor.PID{nil, system.NewLocalPID("there")} {
			fake := newFakeT(t)
			failures := fake.run(func() {
				troupetest.Record(fake, system, pid)
				t.Error("it returned")
			})
			assert.Contains(t, failures, "no pool of the system has the PID ")
			assert.Contains(t, failures, "Pools of the system: here (PID "+pool.PID().Id+")")
		}
	})
}

func TestAPoolThatWasNeverSpawnedFailsTheTest(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		fake := newFakeT(t)
		failures := fake.run(func() { troupetest.RecordNamed(fake, pooltest.System(), "kitchen") })
		assert.Contains(t, failures, `no pool named "kitchen" was spawned.`)
		assert.Contains(t, failures, "Pools of the system: none")
	})
}

func TestANilSystemEndsTheTest(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		fake := newFakeT(t)
		failures := fake.run(func() { troupetest.RecordNamed(fake, nil, "kitchen") })
		assert.Contains(t, failures, "the actor system is nil")
	})
}
