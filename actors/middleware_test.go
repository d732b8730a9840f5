package actors_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

// tag returns a middleware that appends a name to a trace, before and after the handler.
func tag(trace *[]string, name string) func(actors.Handler[int, int]) actors.Handler[int, int] {
	return func(next actors.Handler[int, int]) actors.Handler[int, int] {
		return func(ctx context.Context, n int) (int, error) {
			*trace = append(*trace, name)
			out, err := next(ctx, n)
			*trace = append(*trace, "/"+name)
			return out, err
		}
	}
}

func TestTheFirstMiddlewareIsOutermost(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var trace []string
		options := []actors.Option{
			actors.WithSize(1), actors.WithMiddleware(tag(&trace, "a"), tag(&trace, "b")), actors.WithMiddleware(tag(&trace, "c")),
		}
		want := []string{"a", "b", "c", "/c", "/b", "/a"}
		pool, err := actors.New(pooltest.Double, options...)
		require.NoError(t, err)
		out, err := pool.Ask(t.Context(), 2)
		require.NoError(t, err)
		assert.Equal(t, 4, out)
		assert.Equal(t, want, trace)
		pool.Close()

		trace = nil
		stateful, err := actors.NewPoolOf(nil, func(context.Context) (*closer, error) {
			return &closer{close: func() {}}, nil
		}, options...)
		require.NoError(t, err)
		_, err = stateful.Ask(t.Context(), 2)
		require.NoError(t, err)
		assert.Equal(t, want, trace)
		stateful.Close()

		trace = nil
		system := pooltest.System()
		pid := pooltest.Spawn(t, system.Root, actors.PropsFromHandler(pooltest.Double, options...))
		assert.Equal(t, 4, pooltest.Result(t, system, pid, 2).Value)
		assert.Equal(t, want, trace)
	})
}

func TestMiddlewareRunsOncePerAttempt(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var trace []string
		attempts := 0
		pool, err := actors.New(func(context.Context, int) (int, error) {
			if attempts++; attempts < 3 {
				return 0, errors.New("not yet")
			}
			return 1, nil
		}, actors.WithSize(1), actors.WithMiddleware(tag(&trace, "a")), actors.WithRetry(actors.Retry{Attempts: 5, Min: time.Second, Max: time.Second}))
		require.NoError(t, err)
		_, err = pool.Ask(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, []string{"a", "/a", "a", "/a", "a", "/a"}, trace)
		pool.Close()
	})
}

func TestMiddlewareMayReplaceContextInputAndAnswer(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		type key struct{}
		pool, err := actors.New(func(ctx context.Context, n int) (int, error) {
			return n + ctx.Value(key{}).(int), nil
		}, actors.WithMiddleware(func(next actors.Handler[int, int]) actors.Handler[int, int] {
			return func(ctx context.Context, n int) (int, error) {
				out, err := next(context.WithValue(ctx, key{}, 100), n+10)
				return out + 1000, err
			}
		}))
		require.NoError(t, err)
		out, err := pool.Ask(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, 1111, out)
		pool.Close()
	})
}

func TestAPanicInMiddlewareIsOneOfTheTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool, err := actors.New(pooltest.Double, actors.WithMiddleware(func(actors.Handler[int, int]) actors.Handler[int, int] {
			return func(context.Context, int) (int, error) { panic("middleware") }
		}))
		require.NoError(t, err)
		_, err = pool.Ask(t.Context(), 1)
		crash, ok := errors.AsType[*messages.PanicError](err)
		require.True(t, ok)
		assert.Equal(t, "middleware", crash.Value)
		pool.Close()
	})
}

func TestMiddlewareThatDoesNotFitIsAnOptionError(t *testing.T) {
	type wrap = func(actors.Handler[int, int]) actors.Handler[int, int]
	produce := func(context.Context) (*closer, error) { return &closer{}, nil }
	for name, option := range map[string]actors.Option{
		"other types":  actors.WithMiddleware(func(next actors.Handler[string, int]) actors.Handler[string, int] { return next }),
		"nil":          actors.WithMiddleware(wrap(nil)),
		"returns nil":  actors.WithMiddleware(func(actors.Handler[int, int]) actors.Handler[int, int] { return nil }),
		"panics":       actors.WithMiddleware(func(actors.Handler[int, int]) actors.Handler[int, int] { panic("wrap") }),
		"ends routine": actors.WithMiddleware(func(actors.Handler[int, int]) actors.Handler[int, int] { runtime.Goexit(); return nil }),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := actors.New(pooltest.Double, option)
			require.ErrorIs(t, err, messages.ErrInvalidOption)
			if name == "other types" || name == "nil" {
				_, err = actors.NewPoolOf(nil, produce, option)
				require.ErrorIs(t, err, messages.ErrInvalidOption)
			}
		})
	}
	_, err := pooltest.System().Root.SpawnNamed(actors.PropsFromProducer(func() actor.Actor { return nil },
		actors.WithMiddleware(func(next actors.Handler[int, int]) actors.Handler[int, int] { return next })), "pool")
	require.ErrorIs(t, err, messages.ErrInvalidOption)
}

func TestAWorkerWhoseMiddlewareFailsIsClosed(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		made, closed := 0, 0
		pool, err := actors.NewPoolOf(nil, func(context.Context) (*closer, error) {
			made++
			return &closer{close: func() { closed++ }}, nil
		}, actors.WithSize(1), actors.WithMiddleware(func(next actors.Handler[int, int]) actors.Handler[int, int] {
			if made < 3 {
				panic("wrap")
			}
			return next
		}))
		require.NoError(t, err)
		_, err = pool.Ask(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, 3, made)
		assert.Equal(t, 2, closed)
		pool.Close()
		<-pool.Done()
		assert.Equal(t, 3, closed)
	})
}
