package supervision_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// Proto.Actor's own strategies have budgets too.
func TestForeignStrategyMaySpendItsBudget(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		strategy := actor.NewOneForOneStrategy(2, time.Minute, actor.DefaultDecider)
		pool := pooltest.StartActors(t, actors.WithSize(1), actors.WithSupervision(strategy))
		for range 2 {
			pool.Do(pooltest.Fail("again"))
		}
		stats := pool.Stats()
		assert.EqualValues(t, 2, stats.Restarts)
		assert.Equal(t, 1, stats.Size)
		pool.Do(pooltest.Fail("again"))
		stats = pool.Stats()
		assert.Zero(t, stats.Size)
		assert.Zero(t, stats.Replaced)
	})
}

// A strategy that panics does not stop the pool.
func TestPanickingDeciderCountsAsRestart(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		decide := supervisor.Decider(func(error) actor.Directive { panic("undecided") })
		pool := pooltest.StartActors(t, actors.WithSize(1), actors.WithSupervision(supervisor.OneForOne(decide)))
		pool.Do(pooltest.Fail("boom"))
		assert.EqualValues(t, 1, pool.Stats().Restarts)
	})
}

// What is decided is done once, even if nobody may hear of it.
func TestASubscriberThatExitsChangesNoDecision(t *testing.T) {
	for decision, want := range map[actor.Directive][2]int64{ // restarts and replacements
		actor.ResumeDirective:  {0, 0},
		actor.RestartDirective: {1, 0},
		actor.StopDirective:    {0, 1},
	} {
		t.Run(decision.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				decide := supervisor.Decider(func(error) actor.Directive { return decision })
				pool := pooltest.StartActors(t, actors.WithSize(1), actors.WithSupervision(supervisor.OneForOne(decide)))
				pool.System.EventStream.Subscribe(func(event any) {
					if _, ok := event.(*actor.SupervisorEvent); ok {
						runtime.Goexit()
					}
				})
				pool.Do(pooltest.Fail("boom"))
				stats := pool.Stats()
				assert.Equal(t, want, [2]int64{stats.Restarts, stats.Replaced})
			})
		})
	}
}

// A pool asks the strategy once for each failure, about the worker that failed.
func TestAnyStrategyFits(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var reasons []any
		var culprit, failed *actor.PID
		pool := pooltest.StartActors(t, actors.WithSize(2), actors.WithSupervision(pooltest.Strategy(
			func(s actor.Supervisor, child *actor.PID, reason any) {
				assert.Len(t, s.Children(), 2)
				reasons, failed = append(reasons, reason), child
				s.RestartChildren(child)
			})))
		pool.Do(func(ctx actor.Context) { culprit = ctx.Self(); panic("boom") })
		assert.Equal(t, []any{"boom"}, reasons)
		assert.True(t, culprit.Equal(failed))
		assert.EqualValues(t, 1, pool.Stats().Restarts)
	})
}

// The strategy of the pool's parent decides about an escalated failure, for the
// whole pool.
func TestEscalateAsksTheParent(t *testing.T) {
	tests := []struct {
		name     string
		decision actor.Directive
		born     int
		stopped  bool
	}{
		{"resume", actor.ResumeDirective, 2, false},
		{"restart", actor.RestartDirective, 4, false},
		{"stop", actor.StopDirective, 2, true},
	}
	for _, tt := range tests {
		for _, strategy := range []*supervisor.Strategy{
			supervisor.Escalate(),
			supervisor.OneForOne(supervisor.Decider(func(error) actor.Directive { return actor.EscalateDirective })),
		} {
			t.Run(tt.name, func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					pool := pooltest.NewActors(t)
					var reasons []any
					above := actor.NewOneForOneStrategy(10, time.Minute, func(reason any) actor.Directive {
						reasons = append(reasons, reason)
						return tt.decision
					})
					_, pool.PID = pooltest.SpawnUnder(t, pool.System.Root,
						pool.Props(actors.WithSize(2), actors.WithSupervision(strategy)), above)
					stopped := pooltest.Events[*messages.PoolStopped](t, pool.System)
					pool.Do(pooltest.Fail("too much for me"))
					assert.Equal(t, []any{"too much for me"}, reasons)
					assert.Equal(t, tt.born, pool.Born())
					if tt.stopped {
						assert.Len(t, stopped, 1)
						return
					}
					assert.Empty(t, stopped)
					done := 0
					for range 3 {
						pool.Do(func(actor.Context) { done++ })
					}
					assert.Equal(t, 3, done, "the failed worker waited for the parent and goes on")
					stats := pool.Stats()
					assert.Equal(t, 2, stats.Size)
					for _, w := range stats.Workers {
						assert.Equal(t, messages.WorkerIdle, w.State)
					}
				})
			})
		}
	}
}
