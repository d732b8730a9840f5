package actors_test

import (
	"context"
	"iter"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

type sleepAnswer = actors.Answer[time.Duration, time.Duration]

type sleepPool = actors.Pool[time.Duration, time.Duration]

// openSleepers starts a pool whose tasks take the time that they are given.
func openSleepers(t *testing.T, size int, opts ...actors.Option) *sleepPool {
	return pooltest.Open(t, pooltest.System().Root, pooltest.Sleep, append(opts, actors.WithSize(size))...)
}

func TestEachYieldsAnswersAsTheySettle(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 3)
		start := time.Now()
		var order []time.Duration
		for a := range pool.Each(t.Context(), slices.Values([]time.Duration{3 * second, second, 2 * second})) {
			require.NoError(t, a.Err)
			assert.Equal(t, a.In, a.Out)
			assert.Equal(t, a.In, time.Since(start))
			order = append(order, a.In)
		}
		assert.Equal(t, []time.Duration{second, 2 * second, 3 * second}, order)
	})
}

func TestAnAnswerOfEachHasWhatAResultHas(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 1)
		worker := pool.Stats().Workers[0].ID
		var answers []sleepAnswer
		for a := range pool.Each(t.Context(), slices.Values([]time.Duration{second, time.Hour}), actors.Timeout(3*second)) {
			answers = append(answers, a)
		}
		assert.Equal(t, []sleepAnswer{
			{ID: "1", In: second, Out: second, Outcome: messages.Succeeded, Attempts: 1, Worker: worker, Run: second},
			{
				ID: "2", In: time.Hour, Err: messages.ErrTaskTimeout, Outcome: messages.TimedOut, Attempts: 1, Worker: worker,
				Wait: second, Run: 2 * second,
			},
		}, answers)
	})
}

func TestEachGivesEveryTaskItsOptions(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, n int) (string, error) {
			task, _ := actors.TaskFromContext(ctx)
			task.Headers["k"] += strconv.Itoa(n) // its own, though it must not do that
			return task.ID + task.Headers["k"], nil
		}, actors.WithSize(1))
		for a := range pool.Each(t.Context(), slices.Values([]int{1, 2}), actors.ID("a task"), actors.Header("k", "v")) {
			assert.Equal(t, "a task", a.ID)
			assert.Equal(t, "a taskv"+strconv.Itoa(a.In), a.Out)
		}
	})
}

func TestEachBoundsWhatWasNotConsumed(t *testing.T) {
	for name, c := range map[string]struct {
		opts []actors.TaskOption
		want int
	}{
		"by default": {nil, 2 * 3}, "by Ahead": {[]actors.TaskOption{actors.Ahead(4)}, 4},
		"one by one": {[]actors.TaskOption{actors.Ahead(1)}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := openSleepers(t, 3)
				pulled, consumed := 0, 0
				for range pool.Each(t.Context(), endless(time.Millisecond, &pulled), c.opts...) {
					time.Sleep(second)
					consumed++
					assert.LessOrEqual(t, pulled+1-consumed, c.want)
					if consumed == 50 {
						break
					}
				}
				assert.GreaterOrEqual(t, pulled+1-consumed, c.want-1, "it runs ahead as far as it may")
			})
		})
	}
}

func TestEachFollowsTheSizeOfThePool(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var busy mostAtOnce
		pool := pooltest.Open(t, pooltest.System().Root, busy.handle, actors.WithSize(1))
		time.AfterFunc(time.Minute, func() { assert.NoError(t, pool.Resize(t.Context(), 8)) })
		n := 0
		for a := range pool.Each(t.Context(), slices.Values(slices.Repeat([]time.Duration{time.Hour}, 16))) {
			require.NoError(t, a.Err)
			n++
			if n == 1 {
				assert.Equal(t, 8, busy.reset(), "while Each waits for the first answer")
			}
		}
		assert.Equal(t, 16, n)
	})
}

// A slow input does not keep answers from the consumer for longer than to the next input.
func TestEachYieldsAnAnswerBetweenTwoInputs(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 4)
		start := time.Now()
		ins := func(yield func(time.Duration) bool) {
			for range 5 {
				if !yield(time.Millisecond) {
					return
				}
				time.Sleep(time.Minute)
			}
		}
		n := 0
		for range pool.Each(t.Context(), ins) {
			n++
			assert.LessOrEqual(t, time.Since(start), time.Duration(n)*time.Minute+second)
		}
		assert.Equal(t, 5, n)
	})
}

func TestEachYieldsARejectedInput(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 1, actors.WithQueue(0, actors.Reject))
		answers := slices.Collect(pool.Each(t.Context(), slices.Values([]time.Duration{1 * second, 2 * second}), actors.ID("x")))
		require.Len(t, answers, 2)
		rejected := answers[slices.IndexFunc(answers, func(a sleepAnswer) bool { return a.Outcome == messages.Rejected })]
		require.ErrorIs(t, rejected.Err, messages.ErrQueueFull)
		rejected.Err = nil
		assert.Equal(t, sleepAnswer{ID: "x", In: 2 * second, Outcome: messages.Rejected}, rejected)
		assert.EqualValues(t, 1, pool.Stats().Rejected)
	})
}

func TestEachYieldsOneErrorForWhatMakesNoSense(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 1)
		var nothing context.Context
		pulled := 0
		for name, answers := range map[string]iter.Seq[sleepAnswer]{
			"Ahead(0)":    pool.Each(t.Context(), endless(0, &pulled), actors.Ahead(0)),
			"-1ns":        pool.Each(t.Context(), endless(0, &pulled), actors.Timeout(-1)),
			"nil context": pool.Each(nothing, endless(0, &pulled)),
		} {
			all := slices.Collect(answers)
			require.Len(t, all, 1, name)
			require.ErrorIs(t, all[0].Err, messages.ErrInvalidOption)
			require.ErrorContains(t, all[0].Err, name)
			assert.Equal(t, messages.Rejected, all[0].Outcome)
		}
		assert.Zero(t, pulled)
		assert.EqualValues(t, 3, pool.Stats().Rejected)
	})
}

func TestEachAtTheEndOfItsContextTellsWhatWasNotSubmitted(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 2)
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(90*second, func() { cancel(errAsked) })
		pulled := 0
		answers := slices.Collect(pool.Each(ctx, endless(time.Minute, &pulled)))
		outcomes := make([]messages.Outcome, len(answers))
		for i, a := range answers {
			outcomes[i] = a.Outcome
			if a.Outcome != messages.Succeeded {
				require.ErrorIs(t, a.Err, errAsked)
				assert.Equal(t, a.Outcome == messages.Canceled, isCanceled(a.Err))
			}
		}
		assert.Equal(t, []messages.Outcome{
			messages.Succeeded, messages.Succeeded,
			messages.Canceled, messages.Canceled, messages.Canceled, messages.Canceled, messages.Rejected,
		}, outcomes)
	})
}

func isCanceled(err error) bool { return pooltest.OutcomeOf(err) == messages.Canceled }

func TestEachInAHandlerIsToldOfADeadlockAsAskIs(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var pool *actors.Pool[int, int]
		pool = pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, n int) (int, error) {
			if n == 0 {
				return 0, nil
			}
			answers := 0
			for a := range pool.Each(ctx, slices.Values([]int{0, 0, 0, 0, 0})) {
				assert.ErrorIs(t, a.Err, messages.ErrDeadlock)
				assert.ErrorIs(t, a.Err, messages.ErrCanceled)
				answers++
			}
			return answers, nil
		}, actors.WithSize(1))
		out, err := pool.Ask(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, 5, out)
		assert.EqualValues(t, 5, pool.Stats().Canceled)
	})
}

func TestEachInAHandlerUsesTheOtherWorkers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var pool *sleepPool
		pool = pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, d time.Duration) (time.Duration, error) {
			if d > 0 {
				return pooltest.Sleep(ctx, d)
			}
			n := time.Duration(0)
			for a := range pool.Each(ctx, slices.Values(slices.Repeat([]time.Duration{second}, 10))) {
				assert.NoError(t, a.Err)
				n++
			}
			return n, nil
		}, actors.WithSize(2))
		out, err := pool.Ask(t.Context(), 0)
		require.NoError(t, err)
		assert.EqualValues(t, 10, out)
	})
}

// However the loop over an Each ends, what was not consumed is canceled, and no goroutine is
// left: the bubble would report it.
func TestEachCancelsWhatWasNotConsumed(t *testing.T) {
	pulled := 0
	consume := func(p *sleepPool, ctx context.Context, at func()) {
		for range p.Each(ctx, endless(time.Minute, &pulled)) {
			at()
		}
	}
	failing := func(fail func()) iter.Seq[time.Duration] {
		return func(yield func(time.Duration) bool) {
			for range 7 {
				if !yield(time.Minute) {
					return
				}
			}
			fail()
		}
	}
	for name, run := range map[string]func(*sleepPool, context.Context){
		"break": func(p *sleepPool, ctx context.Context) {
			for range p.Each(ctx, endless(time.Minute, &pulled)) {
				break
			}
		},
		"panic":  func(p *sleepPool, ctx context.Context) { consume(p, ctx, func() { panic("consumer") }) },
		"Goexit": func(p *sleepPool, ctx context.Context) { consume(p, ctx, runtime.Goexit) },
		"panic in the iterator": func(p *sleepPool, ctx context.Context) {
			_ = slices.Collect(p.Each(ctx, failing(func() { panic("iterator") })))
		},
		"Goexit in the iterator": func(p *sleepPool, ctx context.Context) {
			_ = slices.Collect(p.Each(ctx, failing(runtime.Goexit)))
		},
		"panic of the context": func(p *sleepPool, ctx context.Context) {
			hostile := &panickingContext{Context: ctx, at: 3}
			consume(p, hostile, func() {})
		},
		"end of the context": func(p *sleepPool, ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, 90*second)
			defer cancel()
			consume(p, ctx, func() {})
		},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				p := openSleepers(t, 3)
				start := time.Now()
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				done := make(chan struct{})
				go func() {
					defer close(done)
					defer func() { _ = recover() }()
					run(p, ctx)
				}()
				<-done
				synctest.Wait()
				stats := p.Stats()
				assert.Zero(t, stats.Queued+stats.Running)
				assert.Positive(t, stats.Canceled)
				assert.Equal(t, stats.Submitted, stats.Succeeded+stats.Canceled)
				assert.Less(t, time.Since(start), 3*time.Minute)
			})
		})
	}
}

// A panickingContext panics when it is asked for the at-th time whether it has ended.
type panickingContext struct {
	context.Context
	asked atomic.Int32
	at    int32
}

func (c *panickingContext) Err() error {
	if c.asked.Add(1) == c.at {
		panic("context")
	}
	return c.Context.Err()
}

func TestEachCanBeRangedOverAgain(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 2)
		each := pool.Each(t.Context(), slices.Values([]time.Duration{1, 2, 3}))
		for range 2 {
			assert.Len(t, slices.Collect(each), 3)
		}
		assert.Empty(t, slices.Collect(pool.Each(t.Context(), slices.Values([]time.Duration{}))))
	})
}
