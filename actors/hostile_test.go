package actors_test

import (
	"context"
	"log/slog"
	"math"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
	"github.com/troupe-go/troupe/supervisor"
)

// These tests state that user code which does its worst, wherever it is called,
// harms nobody but itself.

func TestATimeoutBeyondAllTimeHarmsNoOther(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1))
		_, err := pool.Ask(t.Context(), 0, actors.Timeout(math.MaxInt64))
		require.NoError(t, err)
		began := time.Now()
		_, err = pool.Ask(t.Context(), time.Hour, actors.Timeout(time.Second))
		require.ErrorIs(t, err, messages.ErrTaskTimeout)
		assert.Equal(t, time.Second, time.Since(began))
	})
}

// valued is a context whose Value does what it likes.
type valued struct {
	context.Context
	value func()
}

func (c valued) Value(key any) any { c.value(); return c.Context.Value(key) }

func TestAContextMayUseThePoolInItsValue(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1), actors.WithQueue(0, actors.Block))
		require.NoError(t, pool.Tell(t.Context(), time.Minute))
		synctest.Wait()
		ctx := valued{t.Context(), func() { pool.Stats() }}
		require.NoError(t, pool.Tell(ctx, 0), "it has waited for room")
	})
}

type hashed func() string

func (h hashed) Hash() string { return h() }

func TestAMessageMayUseThePoolInItsHash(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		in := pooltest.NewInbox(t, root)
		pool := pooltest.Open(t, root, func(context.Context, hashed) (int, error) { return 1, nil }, actors.WithSize(2))
		message := hashed(func() string { pool.Stats(); return "key" })
		assert.Equal(t, 1, in.Result(t, pool.PID(), message).Value)
		assert.Equal(t, 1, in.Result(t, pool.PID(), &messages.Broadcast{Message: message}).Value)
		assert.Equal(t, 1, (<-in.Mail).(*messages.Result).Value, "of the other worker")
		panics := hashed(func() string { panic("hash") })
		assert.ErrorIs(t, in.Result(t, pool.PID(), panics).Err, messages.ErrInvalidOption)
	})
}

func TestANilControlMessageIsRefused(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		in := pooltest.NewInbox(t, root)
		pool := pooltest.Open(t, root, pooltest.Double, actors.WithSize(1))
		for _, message := range []any{(*messages.Resize)(nil), (*messages.Broadcast)(nil), (*messages.GetStats)(nil)} {
			assert.ErrorIs(t, in.Result(t, pool.PID(), message).Err, messages.ErrInvalidOption)
		}
		assert.Zero(t, pool.Stats().Restarts)
	})
}

func TestAPoolWhoseSupervisorIsStoppedStops(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Double, actors.WithName("beheaded"))
		root.Stop(root.ActorSystem().NewLocalPID("beheaded/supervisor"))
		<-pool.Done()
		_, err := pool.Ask(t.Context(), 1)
		assert.ErrorIs(t, err, messages.ErrPoolStopped)
	})
}

// A handler that fills its own pool's queue is told, or finds room in the end; it
// never waits for ever.
func TestAHandlerThatFillsItsOwnQueueDoesNotHang(t *testing.T) {
	for _, dispatch := range []router.Dispatch{
		router.LeastBusy(), router.RoundRobin(), router.Random(), router.ConsistentHash(),
	} {
		for _, capacity := range []int{0, 1, 2} {
			t.Run(dispatch.String()+"/"+strconv.Itoa(capacity), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					root := pooltest.System().Root
					var pool *actors.Pool[int, int]
					pool = pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
						for range n {
							if err := pool.Tell(ctx, 0, actors.Key("same")); err != nil {
								return 0, err
							}
						}
						return n, nil
					}, actors.WithSize(2), actors.WithDispatch(dispatch), actors.WithQueue(capacity, actors.Block))
					_, err := pool.Ask(context.Background(), 10)
					if err != nil {
						assert.ErrorIs(t, err, messages.ErrDeadlock)
					}
				})
			})
		}
	}
}

func TestAGoexitInUserCodeHarmsNobody(t *testing.T) {
	cases := map[string]func(t *testing.T, root *actor.RootContext){
		"producer": func(t *testing.T, root *actor.RootContext) {
			_, err := root.SpawnNamed(actors.PropsFromProducer(func() actor.Actor { runtime.Goexit(); return nil }), "p")
			assert.ErrorIs(t, err, messages.ErrGoexit)
		},
		"decider": func(t *testing.T, root *actor.RootContext) {
			pool := pooltest.Open(t, root, func(_ context.Context, n int) (int, error) { return 1 / n, nil }, actors.WithSize(1),
				actors.WithSupervision(supervisor.OneForOne(supervisor.Decider(func(error) actor.Directive {
					runtime.Goexit()
					return actor.StopDirective
				}))))
			_, err := pool.Ask(t.Context(), 0)
			assert.Error(t, err)
			_, err = pool.Ask(t.Context(), 1)
			assert.NoError(t, err)
		},
		"event subscriber": func(t *testing.T, root *actor.RootContext) {
			root.ActorSystem().EventStream.Subscribe(func(event any) {
				if _, ok := event.(*messages.WorkerStarted); ok {
					runtime.Goexit()
				}
			})
			pool := pooltest.Open(t, root, pooltest.Double)
			_, err := pool.Ask(t.Context(), 1)
			assert.NoError(t, err)
		},
		"middleware at the stop": func(t *testing.T, root *actor.RootContext) {
			pool := pooltest.Open(t, root, pooltest.Double, actors.WithWorkerProps(actor.WithReceiverMiddleware(
				func(next actor.ReceiverFunc) actor.ReceiverFunc {
					return func(ctx actor.ReceiverContext, envelope *actor.MessageEnvelope) {
						if _, ok := envelope.Message.(*actor.Stopping); ok {
							runtime.Goexit()
						}
						next(ctx, envelope)
					}
				})))
			pool.Close()
			<-pool.Done()
		},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) { test(t, pooltest.System().Root) })
		})
	}
}

// Real time: what is measured are races of clocks.
func TestNoTaskHasWaitedLessThanNothing(t *testing.T) {
	timelimit.Set(t)
	root := pooltest.System().Root
	pool := pooltest.Open(t, root, pooltest.Double, actors.WithSize(4))
	in := pooltest.NewInbox(t, root)
	const tasks = 4000
	go func() {
		for n := range tasks {
			in.Request(pool.PID(), &messages.Task{Payload: n})
		}
	}()
	for range tasks {
		result := (<-in.Mail).(*messages.Result)
		require.GreaterOrEqual(t, result.Wait, time.Duration(0))
		require.GreaterOrEqual(t, result.Run, time.Duration(0))
	}
}

// A failure is logged, decided on, and announced. Code of the user's takes part in that.
func TestUserCodeThatHearsOfAFailureHarmsNobody(t *testing.T) {
	type of func(event any) bool
	hearers := map[string]of{
		"logger":                   nil,
		"subscriber to decisions":  func(event any) bool { _, ok := event.(*actor.SupervisorEvent); return ok },
		"subscriber to restarts":   func(event any) bool { _, ok := event.(*messages.WorkerRestarted); return ok },
		"subscriber to everything": func(any) bool { return true },
	}
	ends := map[string]func(){"panics": func() { panic("hearer") }, "exits": runtime.Goexit}
	fails := map[string]func(){"a panic": func() { panic("handler") }, "a Goexit": runtime.Goexit}
	for hearer, hears := range hearers {
		for how, end := range ends {
			for failure, fail := range fails {
				t.Run(hearer+" "+how+" at "+failure, func(t *testing.T) {
					pooltest.Bubble(t, func(t *testing.T) {
						root := pooltest.System().Root
						var armed atomic.Bool
						harm := func() {
							if armed.CompareAndSwap(true, false) {
								end()
							}
						}
						if hears == nil {
							root = actor.NewActorSystem(
								actor.WithLoggerFactory(logging{slog.DiscardHandler, harm}.factory),
								actor.WithDeadLetterThrottleInterval(pooltest.DeadLetterPeriod),
							).Root
						} else {
							root.ActorSystem().EventStream.Subscribe(func(event any) {
								if hears(event) {
									harm()
								}
							})
						}
						pool := pooltest.Open(t, root, func(_ context.Context, fails bool) (bool, error) {
							if fails {
								fail()
							}
							return fails, nil
						}, actors.WithSize(1), actors.WithLogger(slog.New(slog.DiscardHandler)))
						for range 2 {
							armed.Store(pool.Stats().Panicked == 0)
							_, err := pool.Ask(t.Context(), true)
							require.Error(t, err)
							synctest.Wait()
							require.False(t, armed.Load())
							_, err = pool.Ask(t.Context(), false)
							require.NoError(t, err)
						}
						assert.EqualValues(t, 2, pool.Stats().Restarts)
					})
				})
			}
		}
	}
}
