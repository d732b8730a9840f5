package usercode_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
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
)

// These tests are about user code that misbehaves after the pool has acted on a part of what
// it does.

func TestAStrategyMayFailAfterItHasDecidedAboutAnotherWorker(t *testing.T) {
	for name, end := range map[string]func(release chan struct{}){
		"panics": func(chan struct{}) { panic("strategy") },
		"exits":  func(chan struct{}) { runtime.Goexit() },
		"blocks": func(release chan struct{}) { <-release },
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				release := make(chan struct{})
				defer close(release)
				pool := pooltest.Open(t, pooltest.System().Root, do, actors.WithSize(2), actors.WithDispatch(router.RoundRobin()),
					actors.WithSupervision(pooltest.Strategy(func(s actor.Supervisor, child *actor.PID, _ any) {
						for _, worker := range s.Children() {
							if !worker.Equal(child) {
								s.RestartChildren(worker)
							}
						}
						end(release)
					})))
				_, err := pool.Ask(t.Context(), func(context.Context) (int, error) { panic("task") })
				require.ErrorContains(t, err, "task")
				time.Sleep(2 * time.Second)
				for range 2 {
					_, err := pool.Ask(t.Context(), func(context.Context) (int, error) { return 1, nil })
					require.NoError(t, err)
				}
				synctest.Wait() // a worker is busy for a moment after its answer
				for _, worker := range pool.Stats().Workers {
					assert.Equal(t, messages.WorkerIdle, worker.State)
				}
			})
		})
	}
}

// blocking is a caller's context one of whose methods blocks after some calls.
type blocking struct {
	context.Context
	method  string
	allowed atomic.Int32 // calls that do not block
	release chan struct{}
}

func (b *blocking) call(method string) {
	if method == b.method && b.allowed.Add(-1) < 0 {
		<-b.release
	}
}

func (b *blocking) Err() error {
	b.call("Err")
	return b.Context.Err()
}

func (b *blocking) Deadline() (time.Time, bool) {
	b.call("Deadline")
	return b.Context.Deadline()
}

func TestACallersContextMayBlockAfterTheHandlerHasReturned(t *testing.T) {
	for method, allowed := range map[string]int32{"Err": 1, "Deadline": 0} {
		t.Run(method, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				ctx := &blocking{Context: context.Background(), method: method, release: make(chan struct{})}
				ctx.allowed.Store(allowed)
				defer close(ctx.release)
				pool := pooltest.Open(t, pooltest.System().Root, do, actors.WithSize(1),
					actors.WithRetry(actors.Retry{Attempts: 2, On: func(error) bool { return method == "Deadline" }}))
				own, started := errors.New("own"), time.Now()
				_, err := pool.Ask(ctx, func(context.Context) (int, error) { return 0, own })
				require.ErrorIs(t, err, own)
				assert.Less(t, time.Since(started), time.Second)
				_, err = pool.Ask(t.Context(), func(context.Context) (int, error) { return 1, nil })
				require.NoError(t, err)
			})
		})
	}
}

// admittedExits is a tracer whose function admitted ends its goroutine once it is armed.
type admittedExits struct{ armed atomic.Bool }

func (a *admittedExits) Submitted(_ context.Context, task router.Traced) (map[string]string, func(error)) {
	return task.Headers, func(error) {
		if a.armed.Load() {
			runtime.Goexit()
		}
	}
}

func (a *admittedExits) Begun(ctx context.Context, _ router.Traced) (context.Context, func(messages.Outcome, error)) {
	return ctx, nil
}

func TestATracerThatExitsAfterTheAdmissionHarmsNobody(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		tracer := new(admittedExits)
		pool := pooltest.Open(t, pooltest.System().Root, do, actors.WithSize(1), actors.WithTracer(tracer),
			actors.WithQuarantine(actors.Quarantine{Crashes: 1}))
		crashes := true
		_, err := pool.Ask(t.Context(), func(context.Context) (int, error) {
			if crashes {
				panic("poison")
			}
			return 1, nil
		})
		require.ErrorIs(t, err, messages.ErrQuarantined)
		crashes = false
		tracer.armed.Store(true)
		number := pool.Quarantine()[0].Number
		n, err := pool.Requeue(number)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		assert.Empty(t, pool.Quarantine())
		_, err = pool.Requeue(number)
		require.ErrorIs(t, err, messages.ErrNotQuarantined)
		require.NoError(t, pool.Wait(t.Context()))
		stats := pool.Stats()
		assert.Equal(t, [3]int64{2, 1, 1}, [3]int64{stats.Submitted, stats.Succeeded, stats.Quarantined})
	})
}

// A custom dispatch runs before the task is accepted, so the task stays in quarantine.
func TestADispatchThatExitsLeavesATaskInQuarantine(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var armed atomic.Bool
		pool := pooltest.Open(t, pooltest.System().Root, do, actors.WithSize(1), actors.WithQuarantine(actors.Quarantine{Crashes: 1}),
			actors.WithDispatch(router.Custom(func(router.TaskView, router.Workers) int {
				if armed.Load() {
					runtime.Goexit()
				}
				return 0
			})))
		_, err := pool.Ask(t.Context(), func(context.Context) (int, error) { panic("poison") })
		require.ErrorIs(t, err, messages.ErrQuarantined)
		armed.Store(true)
		number := pool.Quarantine()[0].Number
		go func() { _, _ = pool.Requeue(number) }()
		synctest.Wait()
		armed.Store(false)
		require.Len(t, pool.Quarantine(), 1)
		n, err := pool.Requeue(number)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
	})
}

func TestANilEnvelopeIsANilMessage(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		pool := pooltest.Open(t, system.Root, do, actors.WithSize(1))
		workers := make(chan *actor.PID, 1)
		pid := spawnActors(t, system, actors.WithSize(1), actors.WithWorkerProps(actor.WithOnInit(func(ctx actor.Context) { workers <- ctx.Self() })))
		for _, to := range []*actor.PID{pool.PID(), pid, <-workers} {
			assert.NotPanics(t, func() { system.Root.Send(to, (*actor.MessageEnvelope)(nil)) })
		}
		synctest.Wait()
		_, err := pool.Ask(t.Context(), func(context.Context) (int, error) { return 1, nil })
		require.NoError(t, err)
	})
}

// Each pool of actors is the sender of what it sends to the other, and their actors panic.
func TestPoolsOfActorsDoNotAnswerAnswers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		crashing := actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				switch ctx.Message().(type) {
				case int, *messages.Result:
					panic("crash")
				}
			})
		}, actors.WithSize(1))
		first, second := pooltest.Spawn(t, root, crashing), pooltest.Spawn(t, root, crashing)
		root.RequestWithCustomSender(second, 1, first)
		synctest.Wait()
		in := pooltest.NewInbox(t, root)
		assert.EqualValues(t, 1, in.Stats(t, second).Submitted)
		assert.EqualValues(t, 1, in.Stats(t, first).Submitted)
	})
}

func TestPoolsThatTakeAnythingDoNotAnswerAnswers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		first := pooltest.Open(t, root, pooltest.Echo[any], actors.WithSize(1))
		second := pooltest.Open(t, root, pooltest.Echo[any], actors.WithSize(1))
		root.RequestWithCustomSender(second.PID(), 1, first.PID())
		synctest.Wait()
		assert.EqualValues(t, 1, second.Stats().Submitted)
		assert.EqualValues(t, 1, first.Stats().Submitted, "the answer is a task, without a sender")
	})
}
