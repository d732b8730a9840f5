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
			_, err := quiet().Root.SpawnNamed(props, "never")
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
			bubble(t, func(t *testing.T) {
				c := newCrew(t, actors.WithSize(3), actors.WithSupervision(tt.strategy))
				restarted := events[*messages.WorkerRestarted](c.system)
				replaced := events[*messages.WorkerReplaced](c.system)
				c.do(fail("boom"))

				stats := c.stats()
				assert.EqualValues(t, 1, stats.Panicked)
				assert.Equal(t, 3, stats.Size)
				assert.Equal(t, tt.restarts, stats.Restarts)
				assert.Equal(t, tt.replaced, stats.Replaced)
				assert.Equal(t, tt.born, c.born)
				assert.Len(t, *restarted, int(tt.restarts))
				assert.Len(t, *replaced, int(tt.replaced))

				// Every worker is at work again.
				done := make(chan struct{}, 3)
				c.do(func(ctx actor.Context) {
					ctx.Send(c.pid, &messages.Broadcast{Message: deed(func(actor.Context) { done <- struct{}{} })})
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
				bubble(t, func(t *testing.T) {
					c := newCrew(t, actors.WithSize(1), actors.WithSupervision(strategy), actors.WithDispatch(dispatch))
					c.system.Root.Send(c.pid, &messages.Pause{})
					synctest.Wait()
					c.do(fail("boom"))
					var order []int
					for i := range 10 {
						c.do(func(actor.Context) { order = append(order, i) })
					}
					require.EqualValues(t, 11, c.stats().Queued)
					c.system.Root.Send(c.pid, &messages.Resume{})
					synctest.Wait()
					assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, order)
					stats := c.stats()
					assert.EqualValues(t, 10, stats.Succeeded)
					assert.EqualValues(t, 1, stats.Panicked)
				})
			})
		}
	}
}

// What a worker failed for is told by whoever was restarted because of it alone.
func TestAllForOneSaysWhoFailed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCrew(t, actors.WithSize(3), actors.WithSupervision(supervisor.AllForOne()))
		restarted := events[*messages.WorkerRestarted](c.system)
		var culprit string
		c.do(func(ctx actor.Context) { culprit = ctx.Self().Id; panic("boom") })
		require.Len(t, *restarted, 3)
		for _, event := range *restarted {
			if event.Worker.Id == culprit {
				assert.Equal(t, "boom", event.Reason)
			} else {
				assert.Nil(t, event.Reason)
			}
		}
	})
}

func TestAllForOneBudgetEndsAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCrew(t, actors.WithSize(3), actors.WithSupervision(supervisor.AllForOne(supervisor.Restarts(0, 0))))
		c.do(fail("boom"))
		stats := c.stats()
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
		deed deed
		sees func(err error) bool
	}{
		{"an error", fail(deadEnd), func(err error) bool { return errors.Is(err, deadEnd) }},
		{"a wrapped error", fail(fmt.Errorf("at last: %w", deadEnd)), func(err error) bool { return errors.Is(err, deadEnd) }},
		{"an error of a type", fail(pathError), func(err error) bool {
			var p *fs.PathError
			return errors.As(err, &p) && p == pathError
		}},
		{"a run-time error", func(actor.Context) { var none map[string]int; maps.Copy(none, map[string]int{"x": 1}) }, func(err error) bool {
			var r runtime.Error
			return errors.As(err, &r)
		}},
		{"no error", fail("boom"), func(err error) bool {
			return errors.As(err, &panicked) && panicked.Value == "boom" && errors.Unwrap(panicked) == nil
		}},
		{"panic(nil)", fail(nil), func(err error) bool {
			var p *runtime.PanicNilError
			return errors.As(err, &p)
		}},
		{"a Goexit", func(actor.Context) { runtime.Goexit() }, func(err error) bool { return errors.Is(err, messages.ErrGoexit) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var saw error
				decide := supervisor.Decider(func(err error) actor.Directive {
					saw = err
					return actor.RestartDirective
				})
				c := newCrew(t, actors.WithSize(1), actors.WithSupervision(supervisor.OneForOne(decide)))
				c.do(tt.deed)
				require.Error(t, saw)
				assert.True(t, tt.sees(saw), "%v", saw)
				assert.EqualValues(t, 1, c.stats().Restarts)
			})
		})
	}
}

// One decider, several errors, several directives: only restarts cost budget.
func TestOnlyRestartsCostBudget(t *testing.T) {
	harmless, fatal := errors.New("harmless"), errors.New("fatal")
	bubble(t, func(t *testing.T) {
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
		c := newCrew(t, actors.WithSize(1), actors.WithSupervision(supervisor.OneForOne(decide, supervisor.Restarts(1, 0))))
		for range 5 {
			c.do(fail(harmless))
		}
		assert.Equal(t, 1, c.born)
		c.do(fail("boom")) // the only restart
		c.do(fail(fatal))  // its successor has a budget of its own
		c.do(fail("boom"))
		stats := c.stats()
		assert.Equal(t, 1, stats.Size)
		assert.EqualValues(t, 2, stats.Restarts)
		assert.EqualValues(t, 1, stats.Replaced)
		c.do(fail("boom"))
		assert.Zero(t, c.stats().Size)
	})
}

// A strategy of the user's that panics must not take the pool along.
func TestPanickingDeciderCountsAsRestart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		decide := supervisor.Decider(func(error) actor.Directive { panic("undecided") })
		c := newCrew(t, actors.WithSize(1), actors.WithSupervision(supervisor.OneForOne(decide)))
		c.do(fail("boom"))
		assert.EqualValues(t, 1, c.stats().Restarts)
	})
}

// The strategy plugged in is the one that is asked, once for each failure, about
// the worker that failed.
func TestAnyStrategyFits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		asked := &witness{}
		c := newCrew(t, actors.WithSize(2), actors.WithSupervision(asked))
		var culprit *actor.PID
		c.do(func(ctx actor.Context) { culprit = ctx.Self(); panic("boom") })
		assert.Equal(t, []any{"boom"}, asked.reasons)
		require.Len(t, asked.children, 1)
		assert.True(t, culprit.Equal(asked.children[0]))
		assert.Equal(t, 2, asked.crew)
		assert.EqualValues(t, 1, c.stats().Restarts)
	})
}

// A witness notes what it is asked, and restarts.
type witness struct {
	reasons  []any
	children []*actor.PID
	crew     int
}

func (w *witness) HandleFailure(
	_ *actor.ActorSystem, s actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, reason, _ any,
) {
	w.reasons = append(w.reasons, reason)
	w.children = append(w.children, child)
	w.crew = len(s.Children())
	s.RestartChildren(child)
}

// An escalated failure is for the strategy of the pool's parent; what that
// decides befalls the whole pool.
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
			supervisor.Escalate(), supervisor.OneForOne(always(actor.EscalateDirective)),
		} {
			t.Run(tt.name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					c := &crew{t: t, system: quiet()}
					var reasons []any
					above := actor.NewOneForOneStrategy(10, time.Minute, func(reason any) actor.Directive {
						reasons = append(reasons, reason)
						return tt.decision
					})
					parent := c.system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
						if _, ok := ctx.Message().(*actor.Started); ok {
							c.pid = ctx.Spawn(c.props(actors.WithSize(2), actors.WithSupervision(strategy)))
						}
					}, actor.WithSupervisor(above)))
					t.Cleanup(func() { c.system.Root.Stop(parent); synctest.Wait() })
					synctest.Wait()

					stopped := events[*messages.PoolStopped](c.system)
					c.do(fail("too much for me"))
					assert.Equal(t, []any{"too much for me"}, reasons)
					assert.Equal(t, tt.born, c.born)
					if tt.stopped {
						assert.Len(t, *stopped, 1)
						return
					}
					assert.Empty(t, *stopped)
					done := 0
					for range 3 {
						c.do(func(actor.Context) { done++ })
					}
					assert.Equal(t, 3, done, "the worker that failed waited for the parent, and goes on")
					stats := c.stats()
					assert.Equal(t, 2, stats.Size)
					for _, w := range stats.Workers {
						assert.Equal(t, messages.WorkerIdle, w.State)
					}
				})
			})
		}
	}
}
