package supervision_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/supervision"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

func TestTheEndOfAWorkerIsHandledOnce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := supervise(t, supervision.Config{Size: 2})
		stopped := pooltest.Events[*messages.WorkerStopped](t, s.system)
		gone := s.leave(1)[0]
		s.system.Root.Stop(gone)
		synctest.Wait()
		process, _ := s.system.ProcessRegistry.Get(s.pid)
		process.SendSystemMessage(s.pid, &actor.Terminated{Who: gone})
		process.SendSystemMessage(s.pid, &actor.Terminated{Who: actor.NewPID("elsewhere", "stranger")})
		s.recorded()
		assert.Len(t, stopped, 1)
		assert.Equal(t, 2, s.Size())
	})
}

func TestAStrategyIsNotAskedAboutStrangers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		asked := 0
		s := supervise(t, supervision.Config{Size: 1, Strategy: pooltest.Strategy(func(actor.Supervisor, *actor.PID, any) { asked++ })})
		process, _ := s.system.ProcessRegistry.Get(s.pid)
		for _, worker := range []*actor.PID{s.Routees()[0], actor.NewPID("elsewhere", "stranger")} {
			process.SendSystemMessage(s.pid, &actor.Failure{Who: worker, RestartStats: actor.NewRestartStatistics()})
		}
		synctest.Wait()
		assert.Equal(t, 1, asked)
	})
}

// A worker that has left dispatch but not stopped yet will be replaced, so the pool
// has not failed when another worker stops.
func TestAPoolHasNotFailedWhileAReplacementIsPossible(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := supervise(t, supervision.Config{Size: 2})
		gone := s.leave(0)
		s.recorded()
		s.system.Root.Stop(gone[0])
		assert.Equal(t, []string{"begin", "join", "end", "replaced"}, s.recorded())
		s.leave(0)
		s.system.Root.Stop(gone[1])
		assert.Equal(t, []string{"begin", "join", "end", "replaced"}, s.recorded())
		assert.Zero(t, s.noWorkers)
	})
}

func TestTheParentHearsOnceThatNoWorkerIsLeft(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := supervise(t, supervision.Config{Size: 2})
		s.setRoom(0)
		for _, worker := range s.leave(0) {
			s.system.Root.Stop(worker)
		}
		time.Sleep(time.Hour)
		assert.Contains(t, s.recorded(), "fail: "+messages.ErrNoWorkers.Error())
		assert.Equal(t, 1, s.noWorkers)

		s.setRoom(1)
		require.NoError(t, s.resize(1))
		s.setRoom(0)
		s.system.Root.Stop(s.leave(0)[0])
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.Equal(t, 2, s.noWorkers, "again after workers have come back")
	})
}

func TestTheSupervisorAnswersRequests(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := supervise(t, supervision.Config{Size: 2})
		assert.Equal(t, &messages.Resized{From: 2, To: 3}, s.ask(&messages.Resize{Size: 3}))
		for _, bad := range []any{
			&messages.Resize{Size: 0}, &protorouter.AdjustPoolSize{Change: -3}, &protorouter.AddRoutee{}, &protorouter.RemoveRoutee{},
		} {
			answer := s.ask(bad)
			require.IsType(t, &messages.Result{}, answer, "%T", bad)
			assert.ErrorIs(t, answer.(*messages.Result).Err, messages.ErrInvalidOption, "%T", bad)
		}
	})
}

func TestHealthChecksReportOverloadAndRecovery(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := supervise(t, supervision.Config{Size: 2, Health: time.Second})
		s.stats.Size = 2
		overloaded := pooltest.Events[*messages.Overloaded](t, s.system)
		recovered := pooltest.Events[*messages.Recovered](t, s.system)
		for _, step := range []struct {
			queued   int64
			expected [2]int // overloaded and recovered so far
		}{
			{10, [2]int{0, 0}},
			{11, [2]int{1, 0}},
			{12, [2]int{1, 0}},
			{6, [2]int{1, 0}},
			{5, [2]int{1, 1}},
			{10, [2]int{1, 1}},
			{11, [2]int{2, 1}},
		} {
			s.setQueued(step.queued)
			time.Sleep(time.Second)
			synctest.Wait()
			assert.Equal(t, step.expected, [2]int{len(overloaded), len(recovered)}, "%d queued", step.queued)
		}
	})
}

func TestAnAutoscaledPoolStaysWithinItsBounds(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := supervise(t, supervision.Config{Size: 2, Autoscale: &supervisor.Autoscale{Min: 2, Max: 4}})
		assert.ErrorIs(t, s.resize(1), messages.ErrInvalidOption)
		assert.ErrorIs(t, s.resize(5), messages.ErrInvalidOption)
		s.setQueued(1000)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, 4, s.Size(), "grown to the maximum every second, by the default rule")
	})
}
