package supervision_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// judge returns a strategy whose decider is hostile: at best it restarts the worker.
func (h *hostile) judge() actor.SupervisorStrategy {
	return supervisor.OneForOne(supervisor.Decider(func(error) actor.Directive {
		h.call()
		return actor.RestartDirective
	}))
}

// errorCount is a handler of a logger. It counts errors.
type errorCount struct{ errors atomic.Int64 }

func (*errorCount) Enabled(context.Context, slog.Level) bool { return true }

func (c *errorCount) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		c.errors.Add(1)
	}
	return nil
}

func (c *errorCount) WithAttrs([]slog.Attr) slog.Handler { return c }
func (c *errorCount) WithGroup(string) slog.Handler      { return c }

func TestAWorkerIsRestartedIfItsStrategyFails(t *testing.T) {
	for fault, takes := range map[string]time.Duration{"panics": 0, "exits": 0, "panics nil": 0, "blocks": time.Second} {
		t.Run(fault, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				user, log := newHostile(t), new(errorCount)
				pool := startHostile(t, actors.WithSize(2), actors.WithSupervision(user.judge()), actors.WithLogger(slog.New(log)))
				user.once(user.faults()[fault])
				pool.Do(pooltest.Fail("first"))
				pool.Do(pooltest.Fail("second"))
				require.NoError(t, pool.resize(3), "meanwhile")
				if takes > 0 {
					pause(takes - time.Millisecond)
					assert.Zero(t, pool.Stats().Restarts)
					pause(time.Millisecond)
				}
				assert.EqualValues(t, 2, pool.Stats().Restarts, "the second by the strategy")
				assert.EqualValues(t, 1, log.errors.Load())
				assert.Equal(t, 2, user.called())
				user.release()
				assert.EqualValues(t, 2, pool.Stats().Restarts, "a late decision is ignored")
			})
		})
	}
}

// A strategy that fails after it has decided has decided.
func TestADecisionStandsIfTheStrategyFailsLater(t *testing.T) {
	for _, fault := range []string{"panics", "exits", "blocks"} {
		t.Run(fault, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				user := newHostile(t)
				user.become(user.faults()[fault])
				pool := startHostile(t, actors.WithSize(1), actors.WithSupervision(pooltest.Strategy(
					func(s actor.Supervisor, child *actor.PID, _ any) {
						s.ResumeChildren(child)
						user.call()
					})))
				for range 2 {
					pool.Do(pooltest.Fail("boom"))
					time.Sleep(time.Minute)
				}
				ran := false
				pool.Do(func(actor.Context) { ran = true })
				assert.True(t, ran)
				assert.Zero(t, pool.Stats().Restarts)
			})
		})
	}
}

func TestALateDecisionIsIgnored(t *testing.T) {
	for name, decide := range map[string]func(actor.Supervisor, *actor.PID){
		"resume":   func(s actor.Supervisor, child *actor.PID) { s.ResumeChildren(child) },
		"restart":  func(s actor.Supervisor, child *actor.PID) { s.RestartChildren(child) },
		"stop":     func(s actor.Supervisor, child *actor.PID) { s.StopChildren(child) },
		"escalate": func(s actor.Supervisor, _ *actor.PID) { s.EscalateFailure("late", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				user := newHostile(t)
				user.become(user.block)
				pool := startHostile(t, actors.WithSize(2), actors.WithSupervision(pooltest.Strategy(
					func(s actor.Supervisor, child *actor.PID, _ any) {
						user.call()
						decide(s, child)
					})))
				pool.Do(pooltest.Fail("boom"))
				pause(time.Second)
				born := pool.called()
				user.release()
				stats := pool.Stats()
				assert.EqualValues(t, 1, stats.Restarts)
				assert.Zero(t, stats.Replaced)
				assert.Equal(t, born, pool.called())
			})
		})
	}
}

func TestAStrategyMayDecideAfterItHasReturned(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := startHostile(t, actors.WithSize(1), actors.WithSupervision(pooltest.Strategy(
			func(s actor.Supervisor, child *actor.PID, _ any) {
				time.AfterFunc(time.Hour, func() { s.RestartChildren(child) })
			})))
		pool.Do(pooltest.Fail("boom"))
		pause(time.Hour - time.Millisecond)
		assert.Zero(t, pool.Stats().Restarts)
		pause(time.Millisecond)
		assert.EqualValues(t, 1, pool.Stats().Restarts)
	})
}

func TestFailuresAreDecidedOneAfterAnotherInOrder(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var running, most int // without a lock: a strategy need not be safe for concurrent use
		var reasons []any
		pool := startHostile(t, actors.WithSize(5), actors.WithSupervision(pooltest.Strategy(
			func(s actor.Supervisor, child *actor.PID, reason any) {
				running++
				most = max(most, running)
				time.Sleep(100 * time.Millisecond)
				running--
				reasons = append(reasons, reason)
				s.RestartChildren(child)
			})))
		for i := range 5 {
			pool.Do(pooltest.Fail(i))
		}
		pause(500 * time.Millisecond)
		assert.Equal(t, 1, most)
		assert.Equal(t, []any{0, 1, 2, 3, 4}, reasons)
		assert.EqualValues(t, 5, pool.Stats().Restarts)
	})
}

func TestADeciderMayCallItsPool(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		user := newHostile(t)
		pool := startHostile(t, actors.WithSize(2), actors.WithSupervision(user.judge()))
		ran := 0
		user.once(func() {
			assert.Equal(t, 2, pool.ask(&messages.GetStats{}).(*messages.Stats).Size)
			assert.NoError(t, pool.resize(4))
			pool.System.Root.Send(pool.PID, pooltest.Deed(func(actor.Context) { ran++ }))
		})
		pool.Do(pooltest.Fail("boom"))
		assert.Equal(t, 4, pool.size())
		assert.Equal(t, 1, ran)
		assert.EqualValues(t, 1, pool.Stats().Restarts)
	})
}

func TestAStrategySeesTheWorkersInTheOrderOfTheirNames(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var ids []string
		pool := startHostile(t, actors.WithSize(3), actors.WithSupervision(pooltest.Strategy(
			func(s actor.Supervisor, child *actor.PID, _ any) {
				for _, worker := range s.Children() {
					ids = append(ids, worker.Id)
				}
				s.RestartChildren(child)
			})))
		pool.Do(pooltest.Fail("boom"))
		assert.Equal(t, []string{"workers/supervisor/1", "workers/supervisor/2", "workers/supervisor/3"}, ids)
	})
}

// A restart instead of a decision counts as a failure, as far as the pool can know.
func TestAForeignStrategyKeepsItsBudgetAfterABlock(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		user := newHostile(t)
		strategy := actor.NewOneForOneStrategy(2, time.Hour, func(any) actor.Directive {
			user.call()
			return actor.RestartDirective
		})
		pool := startHostile(t, actors.WithSize(1), actors.WithSupervision(strategy))
		pool.Do(pooltest.Fail("counts"))
		user.once(user.block)
		pool.Do(pooltest.Fail("counts, though the strategy does not return"))
		pause(time.Second)
		assert.EqualValues(t, 2, pool.Stats().Restarts)
		pool.Do(pooltest.Fail("too much"))
		assert.Equal(t, 0, pool.size())
		user.release() // the strategy goes on with the statistics of the worker
	})
}

func TestASubscriberThatBlocksDelaysNoDecision(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		user := newHostile(t)
		pool := startHostile(t, actors.WithSize(1), actors.WithSupervision(user.judge()))
		pool.System.EventStream.Subscribe(func(any) { <-user.released })
		for range 3 {
			pool.Do(pooltest.Fail("boom"))
		}
		assert.EqualValues(t, 3, pool.Stats().Restarts)
		require.NoError(t, pool.resize(2))
	})
}

func TestAPoolStopsWhileItsStrategyBlocks(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		user := newHostile(t)
		pool := startHostile(t, actors.WithSize(2), actors.WithSupervision(user.judge()))
		user.become(user.block)
		pool.Do(pooltest.Fail("boom"))
		pool.Do(pooltest.Fail("boom"))
		pool.end()
		pause(time.Minute)
		assert.Equal(t, 1, user.called())
	})
}
