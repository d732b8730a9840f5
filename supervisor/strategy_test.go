package supervisor_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
	"github.com/troupe-go/troupe/supervisor"
)

// always is a decider that knows one answer.
func always(directive actor.Directive) supervisor.Decider {
	return func(error) actor.Directive { return directive }
}

func TestInvalidOptionsAreRefused(t *testing.T) {
	tests := []struct {
		name     string
		strategy actor.SupervisorStrategy
		says     string
	}{
		{"negative restarts", supervisor.OneForOne(supervisor.Restarts(-1, time.Minute)), "-1 restarts"},
		{"negative window", supervisor.AllForOne(supervisor.Restarts(1, -time.Second)), "-1s"},
		{"nil decider", supervisor.Escalate(supervisor.Decider(nil)), "nil decider"},
		{"nil strategy", nil, "nil"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			props := actors.PropsFromProducer(func() actor.Actor { return nil }, actors.WithSupervision(tt.strategy))
			_, err := pooltest.System().Root.SpawnNamed(props, "never")
			assert.ErrorIs(t, err, messages.ErrInvalidOption)
			assert.ErrorContains(t, err, tt.says)
		})
	}
	assert.NoError(t, supervisor.OneForOne(supervisor.Restarts(0, 0)).Validate())
}

func TestDirectives(t *testing.T) {
	tests := []struct {
		name               string
		strategy           *supervisor.Strategy
		born               int // workers made in the end, of a pool that began with three
		restarts, replaced int64
	}{
		{"one for one: restart", supervisor.OneForOne(), 4, 1, 0},
		{"one for one: resume", supervisor.OneForOne(always(actor.ResumeDirective)), 3, 0, 0},
		{"one for one: stop", supervisor.OneForOne(always(actor.StopDirective)), 4, 0, 1},
		{"all for one: restart", supervisor.AllForOne(), 6, 3, 0},
		{"all for one: resume", supervisor.AllForOne(always(actor.ResumeDirective)), 3, 0, 0},
		{"all for one: stop", supervisor.AllForOne(always(actor.StopDirective)), 6, 0, 3},
		{"escalate: a decider may think better of it", supervisor.Escalate(always(actor.RestartDirective)), 4, 1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := pooltest.StartActors(t, actors.WithSize(3), actors.WithSupervision(tt.strategy))
				restarted := pooltest.Events[*messages.WorkerRestarted](t, pool.System)
				replaced := pooltest.Events[*messages.WorkerReplaced](t, pool.System)
				pool.Do(pooltest.Fail("boom"))

				stats := pool.Stats()
				assert.EqualValues(t, 1, stats.Panicked)
				assert.Equal(t, 3, stats.Size)
				assert.Equal(t, tt.restarts, stats.Restarts)
				assert.Equal(t, tt.replaced, stats.Replaced)
				assert.Equal(t, tt.born, pool.Born())
				assert.Len(t, restarted, int(tt.restarts))
				assert.Len(t, replaced, int(tt.replaced))

				// Every worker is at work again.
				done := make(chan struct{}, 3)
				pool.Do(func(ctx actor.Context) {
					ctx.Send(pool.PID, &messages.Broadcast{Message: pooltest.Deed(func(actor.Context) { done <- struct{}{} })})
				})
				assert.Len(t, done, 3)
			})
		})
	}
}

// Restarted workers keep their queues, in order; stopped ones hand them back.
func TestNoDirectiveLosesQueuedTasks(t *testing.T) {
	strategies := map[string]*supervisor.Strategy{
		"restart":     supervisor.OneForOne(),
		"resume":      supervisor.OneForOne(always(actor.ResumeDirective)),
		"stop":        supervisor.OneForOne(always(actor.StopDirective)),
		"restart all": supervisor.AllForOne(),
		"stop all":    supervisor.AllForOne(always(actor.StopDirective)),
	}
	for name, strategy := range strategies {
		// In the pool's queue, and in the worker's own.
		for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
			t.Run(name+"/"+dispatch.String(), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					pool := pooltest.StartActors(t, actors.WithSize(1), actors.WithSupervision(strategy), actors.WithDispatch(dispatch))
					pool.System.Root.Send(pool.PID, &messages.Pause{})
					synctest.Wait()
					pool.Do(pooltest.Fail("boom"))
					var order []int
					for i := range 10 {
						pool.Do(func(actor.Context) { order = append(order, i) })
					}
					require.EqualValues(t, 11, pool.Stats().Queued)
					pool.System.Root.Send(pool.PID, &messages.Resume{})
					synctest.Wait()
					assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, order)
					stats := pool.Stats()
					assert.EqualValues(t, 10, stats.Succeeded)
					assert.EqualValues(t, 1, stats.Panicked)
				})
			})
		}
	}
}

// What a worker failed for is told by whoever was restarted because of it alone.
func TestAllForOneSaysWhoFailed(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.StartActors(t, actors.WithSize(3), actors.WithSupervision(supervisor.AllForOne()))
		restarted := pooltest.Events[*messages.WorkerRestarted](t, pool.System)
		var culprit string
		pool.Do(func(ctx actor.Context) { culprit = ctx.Self().Id; panic("boom") })
		require.Len(t, restarted, 3)
		for _, event := range pooltest.Drain(restarted) {
			if event.Worker.Id == culprit {
				assert.Equal(t, "boom", event.Reason)
			} else {
				assert.Nil(t, event.Reason)
			}
		}
	})
}

func TestAllForOneBudgetEndsAll(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.StartActors(t, actors.WithSize(3), actors.WithSupervision(supervisor.AllForOne(supervisor.Restarts(0, 0))))
		pool.Do(pooltest.Fail("boom"))
		stats := pool.Stats()
		assert.Zero(t, stats.Size)
		assert.Zero(t, stats.Restarts)
		assert.Zero(t, stats.Replaced)
	})
}

func TestDeciderSeesTheError(t *testing.T) {
	deadEnd := errors.New("dead end")
	pathError := &fs.PathError{Op: "read", Path: "/x", Err: io.ErrUnexpectedEOF}
	var panicked *messages.PanicError
	tests := []struct {
		name string
		deed pooltest.Deed
		sees func(err error) bool
	}{
		{"an error", pooltest.Fail(deadEnd), func(err error) bool { return errors.Is(err, deadEnd) }},
		{"a wrapped error", pooltest.Fail(fmt.Errorf("at last: %w", deadEnd)), func(err error) bool { return errors.Is(err, deadEnd) }},
		{"an error of a type", pooltest.Fail(pathError), func(err error) bool {
			var p *fs.PathError
			return errors.As(err, &p) && p == pathError
		}},
		{"a run-time error", func(actor.Context) { var none map[string]int; maps.Copy(none, map[string]int{"x": 1}) }, func(err error) bool {
			var r runtime.Error
			return errors.As(err, &r)
		}},
		{"no error", pooltest.Fail("boom"), func(err error) bool {
			return errors.As(err, &panicked) && panicked.Value == "boom" && errors.Unwrap(panicked) == nil
		}},
		{"panic(nil)", pooltest.Fail(nil), func(err error) bool {
			var p *runtime.PanicNilError
			return errors.As(err, &p)
		}},
		{"a Goexit", func(actor.Context) { runtime.Goexit() }, func(err error) bool { return errors.Is(err, messages.ErrGoexit) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				var saw error
				decide := supervisor.Decider(func(err error) actor.Directive {
					saw = err
					return actor.RestartDirective
				})
				pool := pooltest.StartActors(t, actors.WithSize(1), actors.WithSupervision(supervisor.OneForOne(decide)))
				pool.Do(tt.deed)
				require.Error(t, saw)
				assert.True(t, tt.sees(saw), "%v", saw)
				assert.EqualValues(t, 1, pool.Stats().Restarts)
			})
		})
	}
}

// One decider, several errors, several directives: only restarts cost budget.
func TestOnlyRestartsCostBudget(t *testing.T) {
	harmless, fatal := errors.New("harmless"), errors.New("fatal")
	pooltest.Bubble(t, func(t *testing.T) {
		decide := supervisor.Decider(func(err error) actor.Directive {
			switch {
			case errors.Is(err, harmless):
				return actor.ResumeDirective
			case errors.Is(err, fatal):
				return actor.StopDirective
			default:
				return actor.RestartDirective
			}
		})
		pool := pooltest.StartActors(t, actors.WithSize(1), actors.WithSupervision(supervisor.OneForOne(decide, supervisor.Restarts(1, 0))))
		for range 5 {
			pool.Do(pooltest.Fail(harmless))
		}
		assert.Equal(t, 1, pool.Born())
		pool.Do(pooltest.Fail("boom")) // the only restart
		pool.Do(pooltest.Fail(fatal))  // its successor has a budget of its own
		pool.Do(pooltest.Fail("boom"))
		stats := pool.Stats()
		assert.Equal(t, 1, stats.Size)
		assert.EqualValues(t, 2, stats.Restarts)
		assert.EqualValues(t, 1, stats.Replaced)
		pool.Do(pooltest.Fail("boom"))
		assert.Zero(t, pool.Stats().Size)
	})
}
