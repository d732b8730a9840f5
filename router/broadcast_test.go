package router_test

import (
	"context"
	"fmt"
	"sync"
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

// mailbox is an actor that keeps its messages.
type mailbox struct {
	pid *actor.PID
	mu  sync.Mutex
	got []any // guarded by mu
}

func newMailbox(t *testing.T, system *actor.ActorSystem) *mailbox {
	t.Helper()
	m := new(mailbox)
	m.pid = system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case *actor.Started, *actor.Stopping, *actor.Stopped:
		default:
			m.mu.Lock()
			defer m.mu.Unlock()
			m.got = append(m.got, ctx.Message())
		}
	}))
	t.Cleanup(func() { _ = system.Root.StopFuture(m.pid).Wait() })
	return m
}

// take returns what has come once nothing moves any more, and forgets it.
func (m *mailbox) take() []any {
	synctest.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	got := m.got
	m.got = nil
	return got
}

// results returns the results that have come and fails if anything else has.
func (m *mailbox) results(t *testing.T) (results []*messages.Result) {
	t.Helper()
	for _, message := range m.take() {
		require.IsType(t, &messages.Result{}, message)
		results = append(results, message.(*messages.Result))
	}
	return results
}

// earlyAndLate are the dispatches, with the first worker as the choice of the
// custom one.
func earlyAndLate() []router.Dispatch {
	return []router.Dispatch{
		router.LeastBusy(), router.RoundRobin(), router.Random(), router.ConsistentHash(), router.Custom(first),
	}
}

func TestABroadcastIsOneTaskPerWorkerInTheLedger(t *testing.T) {
	for _, dispatch := range earlyAndLate() {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				const size = 5
				g, system := pooltest.NewGate(), pooltest.System()
				pool, err := actors.NewPool(system.Root, g.Handle, actors.WithSize(size), actors.WithDispatch(dispatch))
				require.NoError(t, err)
				t.Cleanup(func() { pool.Close(); <-pool.Done() })
				m := newMailbox(t, system)
				for round := range 2 { // the second waits in the queue
					system.Root.RequestWithCustomSender(pool.PID(), &messages.Broadcast{Message: round}, m.pid)
					synctest.Wait()
					assert.Equal(t, ledger{
						Submitted: int64(size * (round + 1)), Running: size, Queued: int64(size * round),
					}, ledgerOf(pool.Stats()))
				}
				close(g.Open)
				answers := map[string]int{}
				for _, result := range m.results(t) {
					assert.NoError(t, result.Err)
					answers[fmt.Sprint(result.Value, " of ", result.Worker)]++
				}
				assert.Len(t, answers, 2*size, "every worker answers each: %v", answers)
				assert.Equal(t, ledger{Submitted: 2 * size, Succeeded: 2 * size}, ledgerOf(pool.Stats()))
				for _, n := range succeeded(pool.Stats()) {
					assert.EqualValues(t, 2, n)
				}
			})
		})
	}
}

func TestABroadcastIsAdmittedAsAWholeOrNotAtAll(t *testing.T) {
	tests := []struct {
		name     string
		running  int // tasks that run before the broadcast, on the first workers
		queued   int // tasks that wait before it
		capacity int
		admitted bool
	}{
		{"all idle, no queue", 0, 0, 0, true},
		{"one busy, no queue", 1, 0, 0, false},
		{"all busy, no queue", 4, 0, 0, false},
		{"all busy, room for all", 4, 0, 4, true},
		{"all busy, room for three", 4, 0, 3, false},
		{"all busy, one place taken", 4, 1, 4, false},
		{"all busy, queue full", 4, 4, 4, false},
		{"all busy, unbounded", 4, 20, actors.Unbounded, true},
	}
	for _, tt := range tests {
		for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
			for _, overflow := range []router.Overflow{router.Reject, router.Block, router.CallerRuns} {
				t.Run(fmt.Sprintf("%s/%v/%v", tt.name, dispatch, overflow), func(t *testing.T) {
					pooltest.Bubble(t, func(t *testing.T) {
						g, system := pooltest.NewGate(), pooltest.System()
						pool, err := actors.NewPool(system.Root, g.Handle, actors.WithSize(4),
							actors.WithDispatch(dispatch), actors.WithQueue(tt.capacity, overflow))
						require.NoError(t, err)
						t.Cleanup(func() { pool.Close(); <-pool.Done() })
						for n := range tt.running + tt.queued {
							require.NoError(t, pool.Tell(t.Context(), n, actors.NoWait()))
							synctest.Wait()
						}
						before := ledgerOf(pool.Stats())
						require.Equal(t, [2]int64{int64(tt.running), int64(tt.queued)}, [2]int64{before.Running, before.Queued})

						m := newMailbox(t, system)
						system.Root.RequestWithCustomSender(pool.PID(), &messages.Broadcast{Message: 7}, m.pid)
						early := m.results(t)
						after := ledgerOf(pool.Stats())
						if tt.admitted {
							assert.Empty(t, early)
							assert.Equal(t, before.Submitted+4, after.Submitted)
						} else {
							require.Len(t, early, 1, "one answer says that nothing was admitted")
							assert.ErrorIs(t, early[0].Err, messages.ErrQueueFull)
							assert.Equal(t, messages.Rejected, early[0].Outcome)
							assert.Equal(t, before.Submitted, after.Submitted)
							assert.Equal(t, before.Queued, after.Queued)
							assert.Positive(t, after.Rejected)
						}

						close(g.Open)
						answers := m.results(t)
						if tt.admitted {
							assert.Len(t, answers, 4)
						} else { // the pool is as good as before
							assert.Empty(t, answers)
							system.Root.RequestWithCustomSender(pool.PID(), &messages.Broadcast{Message: 8}, m.pid)
							answers = m.results(t)
							require.Len(t, answers, 4)
						}
						workers := map[string]bool{}
						for _, result := range answers {
							assert.NoError(t, result.Err)
							workers[result.Worker] = true
						}
						assert.Len(t, workers, 4)
					})
				})
			}
		}
	}
}

// Under least-busy dispatch a free worker takes its task at once, so only the
// tasks for busy workers need a place.
func TestABroadcastNeedsPlacesForBusyWorkersOnly(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				g, system := pooltest.NewGate(), pooltest.System()
				pool, err := actors.NewPool(system.Root, g.Handle, actors.WithSize(4),
					actors.WithDispatch(dispatch), actors.WithQueue(2, router.Reject))
				require.NoError(t, err)
				t.Cleanup(func() { pool.Close(); <-pool.Done() })
				for n := range 2 { // the shares under round-robin are 1, 1, 0 and 0
					require.NoError(t, pool.Tell(t.Context(), n))
					synctest.Wait()
				}
				m := newMailbox(t, system)
				system.Root.RequestWithCustomSender(pool.PID(), &messages.Broadcast{Message: 7}, m.pid)
				assert.Empty(t, m.results(t))
				assert.Equal(t, ledger{Submitted: 6, Running: 4, Queued: 2}, ledgerOf(pool.Stats()))
				require.ErrorIs(t, pool.Tell(t.Context(), 9), messages.ErrQueueFull, "its tasks take their places")
				close(g.Open)
				assert.Len(t, m.results(t), 4)
			})
		})
	}
}

func TestARefusedBroadcastWithoutSenderIsADeadLetter(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		g, system := pooltest.NewGate(), pooltest.System()
		pool, err := actors.NewPool(system.Root, g.Handle, actors.WithSize(2), actors.WithQueue(1, router.Reject))
		require.NoError(t, err)
		t.Cleanup(func() { pool.Close(); <-pool.Done() })
		for n := range 2 {
			require.NoError(t, pool.Tell(t.Context(), n))
		}
		synctest.Wait()
		var letters atomic.Int64
		sub := system.EventStream.Subscribe(func(event any) {
			if _, ok := event.(*actor.DeadLetterEvent); ok {
				letters.Add(1)
			}
		})
		defer system.EventStream.Unsubscribe(sub)
		system.Root.Send(pool.PID(), &messages.Broadcast{Message: 7})
		synctest.Wait()
		assert.EqualValues(t, 1, letters.Load())
		assert.EqualValues(t, 2, pool.Stats().Submitted)
		close(g.Open)
	})
}

// While others fill the same queue, a broadcast is never admitted in part.
func TestABroadcastIsNeverSplitAmongManySenders(t *testing.T) {
	for _, dispatch := range earlyAndLate() {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				const size, broadcasts, tells = 4, 200, 2000
				system := pooltest.System()
				pool, err := actors.NewPool(system.Root, func(_ context.Context, n int) (int, error) {
					time.Sleep(time.Microsecond)
					return n, nil
				}, actors.WithSize(size), actors.WithDispatch(dispatch), actors.WithQueue(6, router.Reject))
				require.NoError(t, err)
				t.Cleanup(func() { pool.Close(); <-pool.Done() })
				m := newMailbox(t, system)
				var accepted atomic.Int64
				var senders sync.WaitGroup
				for range 2 {
					senders.Go(func() {
						for n := range tells {
							if pool.Tell(t.Context(), n) == nil {
								accepted.Add(1)
							}
							if n%3 == 0 {
								time.Sleep(time.Microsecond)
							}
						}
					})
				}
				senders.Go(func() {
					for n := range broadcasts {
						message := &messages.Broadcast{Message: &messages.Task{ID: fmt.Sprint(n), Payload: n}}
						system.Root.RequestWithCustomSender(pool.PID(), message, m.pid)
						time.Sleep(3 * time.Microsecond)
					}
				})
				senders.Wait()
				require.NoError(t, pool.Wait(t.Context()))
				answers := map[string]map[messages.Outcome]int{}
				for _, result := range m.results(t) {
					if answers[result.TaskID] == nil {
						answers[result.TaskID] = map[messages.Outcome]int{}
					}
					answers[result.TaskID][result.Outcome]++
				}
				whole := int64(0)
				for id, outcomes := range answers {
					if outcomes[messages.Succeeded] > 0 {
						whole++
						assert.Equal(t, map[messages.Outcome]int{messages.Succeeded: size}, outcomes, id)
					} else {
						assert.Equal(t, map[messages.Outcome]int{messages.Rejected: 1}, outcomes, id)
					}
				}
				assert.Len(t, answers, broadcasts)
				stats := pool.Stats()
				assert.Equal(t, accepted.Load()+size*whole, stats.Submitted)
				assert.Equal(t, stats.Submitted, stats.Succeeded)
			})
		})
	}
}

// The workers' own responses reach the sender of a broadcast.
func TestUserActorsAnswerABroadcastOneByOne(t *testing.T) {
	for _, dispatch := range earlyAndLate() {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				const size = 3
				system := pooltest.System()
				open := make(chan struct{})
				opened := sync.OnceFunc(func() { close(open) })
				pool := system.Root.Spawn(actors.PropsFromProducer(func() actor.Actor {
					return actor.ReceiveFunc(func(ctx actor.Context) {
						if text, ok := ctx.Message().(string); ok {
							<-open
							ctx.Respond(text + " from " + ctx.Self().Id)
						}
					})
				}, actors.WithSize(size), actors.WithDispatch(dispatch), actors.WithQueue(size, router.Reject)))
				t.Cleanup(func() { opened(); _ = system.Root.StopFuture(pool).Wait() })
				m := newMailbox(t, system)
				for range 3 { // the first runs, the second is queued, the third has no room
					system.Root.RequestWithCustomSender(pool, &messages.Broadcast{Message: "hello"}, m.pid)
					synctest.Wait()
				}
				refused := m.results(t)
				require.Len(t, refused, 1)
				assert.ErrorIs(t, refused[0].Err, messages.ErrQueueFull)
				opened()
				answers := map[any]int{}
				for _, answer := range m.take() {
					answers[answer]++
				}
				assert.Len(t, answers, size)
				for answer, n := range answers {
					assert.Equal(t, 2, n, answer)
				}
			})
		})
	}
}
