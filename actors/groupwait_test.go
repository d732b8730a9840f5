package actors_test

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

type jobGroup = actors.Group[job, struct{}]

func TestAGroupInAHandlerIsToldOfADeadlock(t *testing.T) {
	for name, wait := range map[string]func(g *jobGroup) error{
		"Wait": (*jobGroup).Wait,
		"Answers": func(g *jobGroup) (err error) {
			for a := range g.Answers() {
				err = a.Err
			}
			return err
		},
		"Answers after one has been consumed": func(g *jobGroup) (err error) {
			for range g.Answers() {
				break
			}
			return g.Wait()
		},
	} {
		for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
			t.Run(name+", "+dispatch.String(), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					pool := openJobs(t, actors.WithSize(1), actors.WithDispatch(dispatch))
					start := time.Now()
					require.NoError(t, ask(t, pool, 0, func(ctx context.Context) error {
						g := pool.Group(ctx)
						for range 20 {
							require.NoError(t, g.Submit(idle))
						}
						err := wait(g)
						require.ErrorIs(t, err, messages.ErrDeadlock)
						require.ErrorIs(t, err, messages.ErrCanceled)
						return nil
					})())
					assert.Zero(t, time.Since(start))
					synctest.Wait()
					assert.EqualValues(t, 20, pool.Stats().Canceled)
				})
			})
		}
	}
}

func TestASubmitThatWaitsInAHandlerIsNotInVain(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openJobs(t, actors.WithSize(1))
		require.NoError(t, ask(t, pool, 0, func(ctx context.Context) error {
			g := pool.Group(ctx, actors.MaxInFlight(2))
			for range 5 {
				require.NoError(t, g.Submit(idle), "a task that keeps it waiting is canceled")
			}
			require.ErrorIs(t, g.Wait(), messages.ErrDeadlock)
			return nil
		})())
		assert.EqualValues(t, 5, pool.Stats().Canceled)
	})
}

// The first task is queued for the worker of the handler that waits, the second runs.
func TestASubmitInAHandlerWaitsForAnyTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openJobs(t, actors.WithSize(2), byPriority())
		require.NoError(t, ask(t, pool, 0, func(ctx context.Context) error {
			g := pool.Group(context.WithoutCancel(ctx), actors.MaxInFlight(2))
			require.NoError(t, g.Submit(idle, actors.Priority(0)))
			require.NoError(t, g.Submit(lasting(second), actors.Priority(1)))
			require.NoError(t, g.Submit(idle, actors.Priority(1)))
			return nil
		})())
		require.NoError(t, pool.Wait(t.Context()))
		assert.Zero(t, pool.Stats().Canceled)
	})
}

func TestAGroupInAHandlerWaitsForTheOtherWorkers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openJobs(t, actors.WithSize(3))
		var nested func(depth int) job
		nested = func(depth int) job {
			return func(ctx context.Context) error {
				g := pool.Group(ctx)
				for range 20 {
					if err := g.Submit(lasting(second)); err != nil {
						return err
					}
				}
				if depth > 0 {
					if err := g.Submit(nested(depth - 1)); err != nil {
						return err
					}
				}
				return g.Wait()
			}
		}
		require.NoError(t, ask(t, pool, 0, nested(1))())
	})
}

// A task is submitted in a goroutine of a handler while that waits already.
func TestATaskThatIsQueuedDuringAWaitIsFoundToBeInVain(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openJobs(t, actors.WithSize(2), byPriority())
		err := ask(t, pool, 0, func(ctx context.Context) error {
			g := pool.Group(ctx)
			require.NoError(t, g.Submit(lasting(time.Minute), actors.Priority(1)))
			go func() {
				time.Sleep(second)
				assert.NoError(t, g.Submit(idle, actors.Priority(0)))
			}()
			return g.Wait()
		})()
		require.ErrorIs(t, err, messages.ErrDeadlock)
	})
}

// An endlessContext never ends, though package context cannot know that.
type endlessContext struct {
	context.Context
	done chan struct{}
}

func (c endlessContext) Done() <-chan struct{} { return c.done }

// The bubble would report a goroutine that waits for the end of the context.
func TestNothingOfAGroupOutlivesIt(t *testing.T) {
	for name, end := range map[string]func(*actors.Group[time.Duration, time.Duration]){
		"Wait":    func(g *actors.Group[time.Duration, time.Duration]) { _ = g.Wait() },
		"Answers": func(g *actors.Group[time.Duration, time.Duration]) { _ = slices.Collect(g.Answers()) },
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := openSleepers(t, 2)
				ctx := endlessContext{context.Background(), make(chan struct{})}
				g := pool.Group(ctx)
				before := runtime.NumGoroutine()
				for range 3 {
					for range 10 {
						require.NoError(t, g.Submit(second))
					}
					end(g)
				}
				synctest.Wait()
				assert.LessOrEqual(t, runtime.NumGoroutine(), before+2, "runners")
			})
		})
	}
}

func TestAGroupHasOneRegistrationWithItsContext(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool, gate := openGate(t, 2)
		before := runtime.NumGoroutine()
		g := pool.Group(endlessContext{context.Background(), make(chan struct{})})
		for n := range 1000 {
			require.NoError(t, g.Submit(n))
		}
		synctest.Wait()
		assert.LessOrEqual(t, runtime.NumGoroutine(), before+10)
		close(gate.Open)
		require.NoError(t, g.Wait())
	})
}

func TestASubmitWhoseContextPanicsLeavesItsGroupUsable(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 2)
		g := pool.Group(&panickingContext{Context: context.Background(), at: 2}, actors.MaxInFlight(2))
		failures := 0
		for range 10 {
			func() {
				defer func() {
					if recover() != nil {
						failures++
					}
				}()
				require.NoError(t, g.Submit(second))
			}()
		}
		assert.Equal(t, 1, failures)
		require.NoError(t, g.Wait())
		assert.Len(t, slices.Collect(g.Answers()), 9)
	})
}

// A doneContext panics when it is asked for its channel.
type doneContext struct{ context.Context }

func (doneContext) Done() <-chan struct{} { panic("context") }

func TestAContextThatPanicsPanicsInSubmit(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 1)
		g := pool.Group(doneContext{context.Background()})
		for range 2 {
			assert.Panics(t, func() { _ = g.Submit(second) })
		}
		require.NoError(t, g.Wait())
	})
}

func TestAContextThatEndsDuringASubmitCancelsItsTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 1)
		for range 100 {
			ctx, cancel := context.WithCancel(t.Context())
			g := pool.Group(ctx)
			go cancel()
			for range 20 {
				if err := g.Submit(time.Hour); err != nil {
					require.ErrorIs(t, err, context.Canceled)
				}
			}
			if err := g.Wait(); err != nil {
				require.ErrorIs(t, err, context.Canceled)
			}
			cancel()
		}
		stats := pool.Stats()
		assert.Zero(t, stats.Queued+stats.Running+stats.Succeeded)
	})
}

// A gateTracer keeps tasks named "late" from being admitted for a second, and from being
// known to their submitters for a moment longer.
type gateTracer struct{}

func (gateTracer) Submitted(_ context.Context, task router.Traced) (map[string]string, func(error)) {
	if task.ID != "late" {
		return task.Headers, nil
	}
	time.Sleep(second)
	return task.Headers, func(error) { time.Sleep(50 * time.Millisecond) }
}

func (gateTracer) Begun(ctx context.Context, _ router.Traced) (context.Context, func(messages.Outcome, error)) {
	return ctx, nil
}

func TestATaskThatIsAcceptedAfterAFailureDoesNotStart(t *testing.T) {
	for name, paused := range map[string]bool{"on an idle worker": false, "in the queue": true} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := openJobs(t, actors.WithSize(1), actors.WithTracer(gateTracer{}))
				g := pool.Group(t.Context(), actors.FailFast())
				time.AfterFunc(second/2, func() {
					assert.NoError(t, g.Submit(func(context.Context) error { return errAsked }))
				})
				if paused {
					time.AfterFunc(second*3/4, pool.Pause)
				}
				require.NoError(t, g.Submit(func(context.Context) error {
					t.Error("the handler was called")
					return nil
				}, actors.ID("late")))
				assert.EqualValues(t, 1, pool.Stats().Canceled, "at the latest when Submit returns")
				assert.Equal(t, errAsked, g.Wait())
			})
		})
	}
}

func TestATaskThatIsAcceptedDuringAWaitIsFoundToBeInVain(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openJobs(t, actors.WithSize(1), actors.WithTracer(gateTracer{}))
		require.ErrorIs(t, ask(t, pool, 0, func(ctx context.Context) error {
			g := pool.Group(ctx)
			go func() { assert.NoError(t, g.Submit(idle, actors.ID("late"))) }()
			time.Sleep(second / 2)
			return g.Wait()
		})(), messages.ErrDeadlock)
	})
}

// cursed is a context that ends, and whose Err panics from then on.
type cursed struct {
	context.Context
	done chan struct{}
}

func (c *cursed) Done() <-chan struct{} { return c.done }

func (c *cursed) Err() error {
	select {
	case <-c.done:
		panic("Err")
	default:
		return nil
	}
}

func TestAContextThatPanicsInAWaitForRoomLeavesNoTaskBehind(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool, gate := openGate(t, 1, actors.WithQueue(0, actors.Block))
		require.NoError(t, pool.Tell(t.Context(), 0))
		ctx := &cursed{t.Context(), make(chan struct{})}
		g := pool.Group(ctx)
		over := make(chan any)
		go func() {
			defer func() { over <- recover() }()
			_ = g.Submit(1)
		}()
		synctest.Wait()
		close(ctx.done)
		assert.NotNil(t, <-over, "the panic is the caller's")
		close(gate.Open)
		synctest.Wait()
		assert.EqualValues(t, 1, pool.Stats().Submitted, "the other task was not accepted")
		_ = g.Wait()
	})
}

func TestATaskThatItsCallerRunsMayEndWithTheGroup(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		hold := make(chan struct{})
		pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, in string) (string, error) {
			if in == "hold" {
				<-hold
				return in, nil
			}
			<-ctx.Done()
			return in, ctx.Err()
		}, actors.WithSize(1), actors.WithQueue(0, actors.CallerRuns))
		require.NoError(t, pool.Tell(t.Context(), "hold"))
		for range 100 {
			ctx, cancel := context.WithCancel(t.Context())
			g := pool.Group(ctx)
			time.AfterFunc(second, cancel)
			_ = g.Submit("in its caller")
			require.ErrorIs(t, g.Wait(), messages.ErrCanceled)
			for a := range g.Answers() {
				require.Equal(t, "in its caller", a.In)
			}
		}
		close(hold)
	})
}

func TestAnswersIncludeRejectedInputs(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool, gate := openGate(t, 1, actors.WithQueue(0, actors.Reject))
		g := pool.Group(t.Context())
		require.NoError(t, g.Submit(1))
		err := g.Submit(2, actors.ID("second"))
		require.ErrorIs(t, err, messages.ErrQueueFull)
		close(gate.Open)
		answers := slices.Collect(g.Answers())
		require.Len(t, answers, 2)
		assert.Equal(t, actors.Answer[int, int]{ID: "second", In: 2, Err: err, Outcome: messages.Rejected}, answers[0])
		assert.Equal(t, messages.Succeeded, answers[1].Outcome)
		require.ErrorIs(t, g.Wait(), messages.ErrQueueFull)
	})
}
