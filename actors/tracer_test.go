package actors_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// A task that fails at first and succeeds at its second attempt is followed all the way.
func TestATracerFollowsATaskFromItsSubmission(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		var d diary
		pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
			assert.Equal(t, actors.Attempt(ctx), ctx.Value(traceKey{}), "the handler's context is the tracer's")
			if actors.Attempt(ctx) == 1 {
				return 0, pooltest.ErrTask
			}
			d.write("handled")
			return n, nil
		}, actors.WithSize(1), actors.WithTracer(d.tracer()), retry())
		want := []string{
			`submitted "" "k" 0 map[]`, "admitted: <nil>",
			`begun "1" 1 map[trace:t1] by a worker`, "ended failed " + pooltest.ErrTask.Error(),
			`begun "1" 2 map[trace:t1] by a worker`, "handled", "ended succeeded <nil>",
		}
		in := pooltest.NewInbox(t, root)
		for name, submit := range map[string]func() error{
			"Tell": func() error { return pool.Tell(t.Context(), 1, actors.Key("k")) },
			"Ask": func() error {
				_, err := pool.Ask(t.Context(), 1, actors.Key("k"))
				return err
			},
			"Task": func() error { return in.Result(t, pool.PID(), &messages.Task{Key: "k", Payload: 1}).Err },
		} {
			require.NoError(t, submit())
			require.NoError(t, pool.Wait(t.Context()))
			want[2] = fmt.Sprintf("begun %q 1 map[trace:t1] by a worker", fmt.Sprint(pool.Stats().Submitted))
			want[4] = fmt.Sprintf("begun %q 2 map[trace:t1] by a worker", fmt.Sprint(pool.Stats().Submitted))
			assert.ElementsMatch(t, want, d.take(), name) // the admission is told while the task may begin
		}
	})
}

func TestATracerHearsWhatAnAttemptHasComeTo(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		type end struct {
			outcome messages.Outcome
			err     error
		}
		ends := make(chan end, 10)
		pool := pooltest.Open(t, root, do, actors.WithSize(1), actors.WithQueue(0, actors.CallerRuns), actors.WithTracer(tracer{
			begun: func(ctx context.Context, _ router.Traced) (context.Context, func(messages.Outcome, error)) {
				return ctx, func(o messages.Outcome, err error) { ends <- end{o, err} }
			},
		}))
		stubborn := func(context.Context) error { time.Sleep(time.Minute); return nil }
		check := func(outcome messages.Outcome, errs ...error) {
			t.Helper()
			got := <-ends
			assert.Equal(t, outcome, got.outcome)
			for _, err := range errs {
				assert.ErrorIs(t, got.err, err)
			}
			assert.Equal(t, outcome == messages.Succeeded, got.err == nil)
			synctest.Wait()
			assert.Empty(t, ends, "told once")
		}
		both := func(check func()) {
			check() // a worker
			busy := make(chan struct{})
			require.NoError(t, pool.Tell(t.Context(), func(context.Context) error { <-busy; return nil }))
			synctest.Wait()
			check() // the caller
			close(busy)
			require.NoError(t, pool.Wait(t.Context()))
			assert.Equal(t, messages.Succeeded, (<-ends).outcome)
		}
		both(func() {
			_, err := pool.Ask(t.Context(), takes(time.Second, nil))
			require.NoError(t, err)
			check(messages.Succeeded)
			for _, d := range []deed{takes(0, pooltest.ErrTask), crashesAfter(0), func(context.Context) error { runtime.Goexit(); return nil }} {
				_, err := pool.Ask(t.Context(), d)
				check(pooltest.OutcomeOf(err), err)
			}
			for _, d := range []deed{takes(time.Minute, nil), stubborn} {
				_, err := pool.Ask(t.Context(), d, actors.Timeout(time.Second))
				require.ErrorIs(t, err, messages.ErrTaskTimeout)
				check(messages.TimedOut, messages.ErrTaskTimeout)

				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				_, err = pool.Ask(ctx, d)
				cancel()
				require.ErrorIs(t, err, messages.ErrCanceled)
				check(messages.Canceled, messages.ErrCanceled)
			}
		})
		for _, d := range []deed{takes(time.Minute, nil), stubborn} {
			f, err := pool.Submit(t.Context(), d)
			require.NoError(t, err)
			synctest.Wait()
			f.Cancel()
			check(messages.Canceled, messages.ErrCanceled)
		}
	})
}

func TestATracerHearsWhyATaskIsRejected(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		var admitted []error
		lost := false
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1), actors.WithQueue(0, actors.Reject), actors.WithTracer(tracer{
			submitted: func(context.Context, router.Traced) (map[string]string, func(error)) {
				return nil, func(err error) { admitted = append(admitted, err) }
			},
		}), actors.WithDispatch(router.Custom(func(router.TaskView, router.Workers) int {
			if lost {
				runtime.Goexit()
			}
			return 0
		})))
		require.NoError(t, pool.Tell(t.Context(), time.Minute))
		require.Error(t, pool.Tell(t.Context(), time.Minute))
		lost = true
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			_ = pool.Tell(context.Background(), time.Minute)
		}()
		<-gone
		require.Len(t, admitted, 3)
		require.NoError(t, admitted[0])
		require.ErrorIs(t, admitted[1], messages.ErrQueueFull)
		require.Error(t, admitted[2], "it was never accepted")
	})
}

func TestATracerMayDoItsWorst(t *testing.T) {
	submits := func(admitted func(error)) func(context.Context, router.Traced) (map[string]string, func(error)) {
		return func(context.Context, router.Traced) (map[string]string, func(error)) { return nil, admitted }
	}
	begins := func(ended func(messages.Outcome, error)) func(context.Context, router.Traced) (context.Context, func(messages.Outcome, error)) {
		return func(context.Context, router.Traced) (context.Context, func(messages.Outcome, error)) {
			return nil, ended
		}
	}
	for name, tr := range map[string]tracer{
		"nothing": {submits(nil), begins(nil)},
		"panic in Submitted": {submitted: func(context.Context, router.Traced) (map[string]string, func(error)) {
			panic("no")
		}},
		"panic at the admission": {submitted: submits(func(error) { panic("no") })},
		"panic in Begun": {begun: func(context.Context, router.Traced) (context.Context, func(messages.Outcome, error)) {
			panic("no")
		}},
		"panic at the end":  {begun: begins(func(messages.Outcome, error) { panic("no") })},
		"Goexit at the end": {begun: begins(func(messages.Outcome, error) { runtime.Goexit() })},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				in := pooltest.NewInbox(t, root)
				pool := pooltest.Open(t, root, do, actors.WithSize(1), actors.WithTracer(tr))
				for range 3 {
					require.NoError(t, pool.Tell(t.Context(), takes(0, nil)))
					_, err := pool.Ask(t.Context(), takes(0, nil))
					require.NoError(t, err)
					require.NoError(t, in.Result(t, pool.PID(), takes(0, nil)).Err)
					_, err = pool.Ask(t.Context(), takes(0, pooltest.ErrTask))
					require.ErrorIs(t, err, pooltest.ErrTask)
					_, err = pool.Ask(t.Context(), crashesAfter(0))
					assert.Equal(t, messages.Panicked, pooltest.OutcomeOf(err))
				}
				stats := pool.Stats()
				assert.Equal(t, [3]int64{9, 3, 3}, [3]int64{stats.Succeeded, stats.Failed, stats.Panicked})
			})
		})
	}
}

// A tracer that ends the worker's goroutine has the task fail as a handler would; the
// worker goes on.
func TestATracerThatEndsTheGoroutineCostsTheTaskAlone(t *testing.T) {
	for _, overflow := range []actors.Overflow{actors.Block, actors.CallerRuns} {
		pooltest.Bubble(t, func(t *testing.T) {
			root := pooltest.System().Root
			exits := true
			pool := pooltest.Open(t, root, pooltest.Double, actors.WithSize(1), actors.WithQueue(0, overflow), actors.WithTracer(tracer{
				begun: func(ctx context.Context, _ router.Traced) (context.Context, func(messages.Outcome, error)) {
					if exits {
						runtime.Goexit()
					}
					return ctx, nil
				},
			}))
			_, err := pool.Ask(t.Context(), 1)
			assert.Equal(t, messages.Panicked, pooltest.OutcomeOf(err))
			exits = false
			n, err := pool.Ask(t.Context(), 1)
			require.NoError(t, err)
			assert.Equal(t, 2, n)
		})
	}
}

// A worker may give the same context to one task after another: the tracer's is not.
func TestATracersContextIsForOneAttempt(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		calls := 0
		seen := make(chan any, 2)
		pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
			if _, own := ctx.(*engine.Context); own {
				seen <- "own"
			} else {
				seen <- "the tracer's"
			}
			return n, nil
		}, actors.WithSize(1), actors.WithTracer(tracer{
			begun: func(ctx context.Context, _ router.Traced) (context.Context, func(messages.Outcome, error)) {
				if calls++; calls > 1 {
					panic("no")
				}
				return context.WithValue(ctx, traceKey{}, 1), nil
			},
		}))
		for _, want := range []string{"the tracer's", "own"} {
			root.Send(pool.PID(), &messages.Broadcast{Message: 1}) // what is submitted has attributes
			assert.Equal(t, want, <-seen)
			synctest.Wait()
		}
	})
}

func TestANilTracerIsInvalid(t *testing.T) {
	_, err := actors.NewPool(pooltest.System().Root, pooltest.Double, actors.WithTracer(nil))
	assert.ErrorIs(t, err, messages.ErrInvalidOption)
}

// What a tracer derives from the handler's context still tells that a handler waits for
// its own pool.
func TestADeadlockIsFoundThroughATracersContext(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		var d diary
		var pool *actors.Pool[int, int]
		pool = pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
			if n > 0 {
				return pool.Ask(ctx, n-1)
			}
			return 0, nil
		}, actors.WithSize(1), actors.WithTracer(d.tracer()))
		_, err := pool.Ask(t.Context(), 1)
		assert.ErrorIs(t, err, messages.ErrDeadlock)
	})
}

func TestATracerHearsHowHeldAttemptsEnd(t *testing.T) {
	type end struct {
		outcome messages.Outcome
		err     error
		ran     time.Duration
	}
	for name, c := range map[string]struct {
		hold func(ctx actor.Context) // in each attempt
		want []end
	}{
		"done": {func(ctx actor.Context) {
			held := actors.Hold(ctx)
			time.AfterFunc(time.Minute, func() { held.Done(nil) })
		}, []end{{messages.Succeeded, nil, time.Minute}}},
		"failed": {func(ctx actor.Context) {
			held := actors.Hold(ctx)
			time.AfterFunc(time.Minute, func() { held.Done(pooltest.ErrTask) })
		}, []end{
			{messages.Failed, pooltest.ErrTask, time.Minute}, {messages.Failed, pooltest.ErrTask, time.Minute},
		}},
		"timed out": {func(ctx actor.Context) { actors.Hold(ctx) }, []end{{messages.TimedOut, messages.ErrTaskTimeout, time.Hour}}},
		"restarted": {func(ctx actor.Context) {
			actors.Hold(ctx)
			ctx.Send(ctx.Self(), pooltest.Fail(pooltest.ErrTask))
		}, []end{{messages.Canceled, messages.ErrCanceled, 0}, {messages.Canceled, messages.ErrCanceled, 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				ends := make(chan end, 10)
				var contexts []context.Context
				a := pooltest.StartActors(t, actors.WithSize(1), actors.WithTaskTimeout(time.Hour), retry(func(p *actors.Retry) { p.Attempts = 2 }),
					actors.WithTracer(tracer{begun: func(ctx context.Context, _ router.Traced) (context.Context, func(messages.Outcome, error)) {
						began := time.Now()
						ctx, cancel := context.WithCancel(ctx) // so that the engine's own context is in use
						contexts = append(contexts, ctx)
						return ctx, func(o messages.Outcome, err error) {
							defer cancel()
							ends <- end{o, err, time.Since(began)}
						}
					}}))
				a.Do(c.hold)
				time.Sleep(3 * time.Hour)
				require.Len(t, ends, len(c.want))
				for _, want := range c.want {
					got := <-ends
					assert.Equal(t, want.outcome, got.outcome)
					assert.Equal(t, want.ran, got.ran)
					if want.err == nil {
						assert.NoError(t, got.err)
					} else {
						assert.ErrorIs(t, got.err, want.err)
					}
				}
				for _, ctx := range contexts {
					assert.Error(t, ctx.Err())
				}
				a.Do(func(actor.Context) {})
				assert.Equal(t, end{messages.Succeeded, nil, 0}, <-ends)
			})
		})
	}
}

func TestATimeoutDoesNotEndTheContextOfAHeldTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		contexts := make(chan context.Context, 3)
		a := pooltest.StartActors(t, actors.WithSize(1), actors.WithMaxHeld(2), actors.WithTracer(tracer{
			begun: func(ctx context.Context, _ router.Traced) (context.Context, func(messages.Outcome, error)) {
				_ = ctx.Done() // it is in use
				contexts <- ctx
				return ctx, nil
			},
		}))
		held := a.Hold(nil)
		a.Do(func(actor.Context) {})
		a.System.Root.Send(a.PID, &messages.Task{Payload: pooltest.Deed(func(actor.Context) { time.Sleep(time.Hour) }), Timeout: time.Minute})
		time.Sleep(2 * time.Minute)
		assert.Equal(t, "1 running, 1 succeeded, 1 timed out", pooltest.Ledger(a.Stats()))
		ofHeld := <-contexts
		assert.NoError(t, ofHeld.Err())
		<-contexts
		assert.ErrorIs(t, context.Cause(<-contexts), messages.ErrTaskTimeout)
		held.Done(nil)
		assert.Error(t, ofHeld.Err())
		time.Sleep(time.Hour) // until the handler returns
	})
}
