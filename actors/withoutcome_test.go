package actors_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// verdicts are the outcomes that a handler can name, with their sentinels.
var verdicts = map[messages.Outcome]error{
	messages.Failed: nil, messages.Panicked: nil, messages.TimedOut: messages.ErrTaskTimeout,
	messages.Canceled: messages.ErrCanceled, messages.Dropped: messages.ErrDropped, messages.Quarantined: messages.ErrQuarantined,
}

// names is a handler that returns its input.
func names(_ context.Context, err error) (int, error) { return 1, err }

// naming starts a pool with a retry policy that must not be asked.
func naming(t *testing.T, root *actor.RootContext, opts ...actors.Option) *actors.Pool[error, int] {
	t.Helper()
	return pooltest.Open(t, root, names, append(opts, actors.WithSize(1), actors.WithRetry(actors.Retry{
		Attempts: 3, On: func(err error) bool { t.Errorf("asked about %v", err); return true },
	}))...)
}

// only checks that a pool has settled n tasks, all with the same outcome.
func only(t *testing.T, stats messages.Stats, outcome messages.Outcome, n int64) {
	t.Helper()
	assert.Equal(t, n, pooltest.Outcomes(&stats)[outcome], outcome)
	assert.Equal(t, n, stats.Settled())
	assert.True(t, stats.Balanced(), "%+v", stats)
	assert.Zero(t, stats.Retries)
	assert.Zero(t, stats.Restarts)
}

func TestAHandlerNamesTheOutcomeOfItsTask(t *testing.T) {
	for outcome, sentinel := range verdicts {
		for name, opts := range map[string][]actors.Option{
			"late": nil, "early": {actors.WithDispatch(router.RoundRobin())},
			"quarantine": {actors.WithQuarantine(actors.Quarantine{Exhausted: true})},
		} {
			t.Run(outcome.String()+"/"+name, func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					root := pooltest.System().Root
					pool := naming(t, root, opts...)
					j := pooltest.AttachJournal(root, journal.Options{Keep: 10})
					in := pooltest.NewInbox(t, root)
					check := func(err error) {
						require.ErrorIs(t, err, pooltest.ErrTask)
						if sentinel != nil {
							require.ErrorIs(t, err, sentinel)
							require.ErrorContains(t, err, sentinel.Error())
						}
						require.ErrorContains(t, err, pooltest.ErrTask.Error())
					}
					named := actors.WithOutcome(outcome, pooltest.ErrTask)
					_, err := pool.Ask(t.Context(), named)
					check(err)
					_, err = pool.Ask(t.Context(), fmt.Errorf("more: %w", named))
					check(err)
					require.ErrorContains(t, err, "more: ")
					f, err := pool.Submit(t.Context(), named)
					require.NoError(t, err)
					_, err = f.Wait(t.Context())
					check(err)
					got, _ := f.Outcome()
					assert.Equal(t, outcome, got)
					result := in.Result(t, pool.PID(), named)
					check(result.Err)
					assert.Equal(t, outcome, result.Outcome)
					assert.Nil(t, result.Value)
					require.NoError(t, pool.Tell(t.Context(), named))
					require.NoError(t, pool.Wait(t.Context()))

					only(t, pool.Stats(), outcome, 5)
					w := pool.Stats().Workers[0]
					assert.EqualValues(t, 5, w.Failed+w.Panicked+w.TimedOut+w.Canceled+w.Dropped+w.Quarantined)
					entries, _, _ := j.Since(0)
					require.Len(t, entries, 5)
					for _, entry := range entries {
						assert.Equal(t, outcome, entry.Outcome)
						assert.False(t, entry.Again)
					}
					assert.Equal(t, outcome == messages.Quarantined && name == "quarantine", len(pool.Quarantine()) == 5)
				})
			})
		}
	}
}

func TestAnOutcomeWithoutAnErrorIsItsSentinelAlone(t *testing.T) {
	for outcome, sentinel := range verdicts {
		t.Run(outcome.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := naming(t, pooltest.System().Root)
				_, err := pool.Ask(t.Context(), actors.WithOutcome(outcome, nil))
				if sentinel != nil {
					assert.Equal(t, sentinel, err)
				} else {
					require.EqualError(t, err, "troupe: the handler named the outcome "+outcome.String())
				}
				_, err = pool.Ask(t.Context(), errors.Join(pooltest.ErrTask, actors.WithOutcome(outcome, nil)))
				require.ErrorIs(t, err, pooltest.ErrTask)
				if sentinel != nil {
					require.ErrorIs(t, err, sentinel)
				}
				synctest.Wait()
				only(t, pool.Stats(), outcome, 2)
			})
		})
	}
}

func TestAnOutcomeThatNoHandlerCanNameIsAFailure(t *testing.T) {
	for outcome, text := range map[messages.Outcome]string{
		messages.Succeeded: "succeeded", messages.Rejected: "rejected", 0: "Outcome(0)", -1: "Outcome(-1)", 99: "Outcome(99)",
	} {
		pooltest.Bubble(t, func(t *testing.T) {
			pool := naming(t, pooltest.System().Root)
			_, err := pool.Ask(t.Context(), actors.WithOutcome(outcome, pooltest.ErrTask))
			require.ErrorIs(t, err, messages.ErrInvalidOption)
			require.ErrorIs(t, err, pooltest.ErrTask)
			require.ErrorContains(t, err, text)
			_, err = pool.Ask(t.Context(), actors.WithOutcome(outcome, nil))
			require.ErrorIs(t, err, messages.ErrInvalidOption)
			synctest.Wait()
			only(t, pool.Stats(), messages.Failed, 2)
		})
	}
}

func TestANamedQuarantineKeepsTheTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		events := pooltest.Events[*messages.TaskQuarantined](t, root.ActorSystem())
		cured := false
		pool := pooltest.Open(t, root, func(_ context.Context, n int) (int, error) {
			if cured {
				return n, nil
			}
			return 0, actors.WithOutcome(messages.Quarantined, pooltest.ErrTask)
		}, actors.WithSize(1), actors.WithQuarantine(actors.Quarantine{Crashes: 1}))
		_, err := pool.Ask(t.Context(), 7, actors.ID("seven"))
		require.ErrorIs(t, err, messages.ErrQuarantined)
		tasks := pool.Quarantine()
		require.Len(t, tasks, 1)
		assert.Equal(t, "seven", tasks[0].Task.ID)
		assert.Equal(t, 7, tasks[0].Task.Payload)
		assert.Equal(t, 1, tasks[0].Attempts)
		assert.Empty(t, tasks[0].Panics)
		require.ErrorIs(t, tasks[0].Err, pooltest.ErrTask)
		synctest.Wait()
		assert.Equal(t, tasks[0].Number, (<-events).Number)
		cured = true
		n, err := pool.Requeue(tasks[0].Number)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		require.NoError(t, pool.Wait(t.Context()))
		assert.EqualValues(t, 1, pool.Stats().Succeeded)
	})
}

func TestANamedOutcomeIsFinalInTheCaller(t *testing.T) {
	for outcome := range verdicts {
		pooltest.Bubble(t, func(t *testing.T) {
			g := pooltest.NewGate()
			pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, err error) (int, error) {
				if err == nil {
					return g.Handle(ctx, 0)
				}
				return 0, err
			}, actors.WithSize(1), actors.WithQueue(0, actors.CallerRuns), actors.WithRetry(actors.Retry{Attempts: 3}))
			require.NoError(t, pool.Tell(t.Context(), nil))
			synctest.Wait()
			_, err := pool.Ask(t.Context(), actors.WithOutcome(outcome, pooltest.ErrTask))
			require.ErrorIs(t, err, pooltest.ErrTask)
			only(t, pool.Stats(), outcome, 1)
			close(g.Open)
		})
	}
}

func TestATaskThatHasAnOutcomeKeepsItWhateverTheHandlerNames(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, outcome messages.Outcome) (int, error) {
			<-ctx.Done()
			return 0, actors.WithOutcome(outcome, pooltest.ErrTask)
		}, actors.WithSize(1), actors.WithQuarantine(actors.Quarantine{Crashes: 1}))
		for outcome := range verdicts {
			_, err := pool.Ask(t.Context(), outcome, actors.Timeout(time.Second))
			require.ErrorIs(t, err, messages.ErrTaskTimeout)
			synctest.Wait()
		}
		only(t, pool.Stats(), messages.TimedOut, int64(len(verdicts)))
		assert.Empty(t, pool.Quarantine())
	})
}

func TestABreakerCountsNamedOutcomesThatAreFailures(t *testing.T) {
	for outcome := range verdicts {
		t.Run(outcome.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := pooltest.Open(t, pooltest.System().Root, names, actors.WithSize(2),
					actors.WithDispatch(router.Custom(func(router.TaskView, router.Workers) int { return 0 })), failures(2, time.Minute))
				for range 2 {
					_, err := pool.Ask(t.Context(), actors.WithOutcome(outcome, nil))
					require.Error(t, err)
					synctest.Wait()
				}
				counts := outcome != messages.Canceled && outcome != messages.Dropped
				sidelined := 0
				for _, w := range pool.Stats().Workers {
					if w.State == messages.WorkerSidelined {
						sidelined++
					}
				}
				assert.Equal(t, counts, sidelined == 1)
			})
		})
	}
}

func TestAPanicWithANamedOutcomeIsAPanic(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, func(_ context.Context, err error) (int, error) { panic(err) }, actors.WithSize(1))
		_, err := pool.Ask(t.Context(), actors.WithOutcome(messages.Dropped, pooltest.ErrTask))
		require.ErrorIs(t, err, pooltest.ErrTask)
		synctest.Wait()
		stats := pool.Stats()
		assert.EqualValues(t, 1, stats.Panicked)
		assert.EqualValues(t, 1, stats.Restarts)
	})
}

// odd is an error whose As says that it has found something and finds nothing.
type odd struct{}

func (odd) Error() string { return "odd" }
func (odd) As(any) bool   { return true }

// An error that misbehaves when the pool looks into it is one that names no outcome.
func TestAHostileErrorNamesNoOutcome(t *testing.T) {
	for name, does := range map[string]func(release chan struct{}){
		"panics": func(chan struct{}) { panic("method") },
		"exits":  func(chan struct{}) { runtime.Goexit() },
		"blocks": func(release chan struct{}) { <-release },
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				release := make(chan struct{})
				defer close(release)
				pool := pooltest.Open(t, pooltest.System().Root, names, actors.WithSize(1))
				began, hostile := time.Now(), hostileError{func() { does(release) }}
				_, err := pool.Ask(t.Context(), hostile)
				assert.Equal(t, "hostile", err.Error())
				assert.LessOrEqual(t, time.Since(began), guard.Limit)
				_, err = pool.Ask(t.Context(), odd{})
				assert.Equal(t, odd{}, err)
				// The methods of the error within are the waiter's to call.
				_, err = pool.Ask(t.Context(), actors.WithOutcome(messages.Canceled, hostile))
				assert.Error(t, err)
				synctest.Wait()
				stats := pool.Stats()
				assert.Equal(t, [3]int64{2, 1, 0}, [3]int64{stats.Failed, stats.Canceled, stats.Restarts})
			})
		})
	}
}

type hostileError struct{ does func() }

func (hostileError) Error() string   { return "hostile" }
func (h hostileError) Unwrap() error { h.does(); return nil }
