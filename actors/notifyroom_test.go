package actors_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
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

// offerTime is how long a place that an actor was told of is not offered to another.
const offerTime = 100 * time.Millisecond

// gated starts a pool of one worker, which is busy until the gate opens, with a full queue of
// the given capacity.
func gated(t *testing.T, root *actor.RootContext, capacity int, opts ...actors.Option) (*pooltest.Gate, *actors.Pool[int, int]) {
	t.Helper()
	gate := pooltest.NewGate()
	pool := pooltest.Open(t, root, gate.Handle,
		append([]actors.Option{actors.WithSize(1), actors.WithQueue(capacity, actors.Block)}, opts...)...)
	for i := range capacity + 1 {
		require.NoError(t, pool.Tell(t.Context(), i, actors.ID(fmt.Sprint(i))))
	}
	synctest.Wait()
	return gate, pool
}

func TestNotifyRoomIsAnsweredAtOnceIfThereIsRoom(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		t.Run(fmt.Sprint(dispatch), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Open(t, root, pooltest.Double,
					actors.WithSize(2), actors.WithQueue(3, actors.Reject), actors.WithDispatch(dispatch))
				in := pooltest.NewInbox(t, root)
				assert.Equal(t, &messages.Room{Free: 5}, in.Ask(pool.PID(), &messages.NotifyRoom{}), "two workers are free")
				time.Sleep(offerTime)
				assert.Equal(t, &messages.Room{Free: 5}, in.Ask(pool.PID(), messages.NotifyRoom{}))
				pool.Pause()
				time.Sleep(offerTime)
				assert.Equal(t, &messages.Room{Free: 3}, in.Ask(pool.PID(), messages.NotifyRoom{}))
				root.Send(pool.PID(), messages.NotifyRoom{})
				assert.True(t, in.Empty(), "without a sender it is a no-op")
			})
		})
	}
	t.Run("unbounded", func(t *testing.T) {
		pooltest.Bubble(t, func(t *testing.T) {
			root := pooltest.System().Root
			pool := pooltest.Open(t, root, pooltest.Double, actors.WithQueue(actors.Unbounded, actors.Block))
			in := pooltest.NewInbox(t, root)
			for range 1000 {
				in.Request(pool.PID(), &messages.NotifyRoom{})
			}
			synctest.Wait()
			answers := pooltest.Drain(in.Mail)
			assert.Len(t, answers, 1000)
			assert.Equal(t, &messages.Room{Free: math.MaxInt}, answers[999])
		})
	})
}

func TestNotifyRoomIsAnsweredOnceWhenRoomIsMade(t *testing.T) {
	cancel := func(id string) func(*actor.RootContext, *pooltest.Gate, *actors.Pool[int, int]) {
		return func(root *actor.RootContext, _ *pooltest.Gate, pool *actors.Pool[int, int]) {
			root.Send(pool.PID(), &messages.Cancel{ID: id})
		}
	}
	for name, makeRoom := range map[string]func(*actor.RootContext, *pooltest.Gate, *actors.Pool[int, int]){
		"tasks start":                 func(_ *actor.RootContext, gate *pooltest.Gate, _ *actors.Pool[int, int]) { close(gate.Open) },
		"the running one is canceled": cancel("0"),
		"a queued one is canceled":    cancel("1"),
		"workers join": func(_ *actor.RootContext, _ *pooltest.Gate, pool *actors.Pool[int, int]) {
			_ = pool.Resize(context.Background(), 4)
		},
	} {
		for _, dispatch := range pooltest.Dispatches() {
			t.Run(fmt.Sprint(name, " ", dispatch), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					root := pooltest.System().Root
					gate, pool := gated(t, root, 2, actors.WithDispatch(dispatch))
					in := pooltest.NewInbox(t, root)
					in.Request(pool.PID(), &messages.NotifyRoom{})
					assert.True(t, in.Empty())
					makeRoom(root, gate, pool)
					assert.Positive(t, (<-in.Mail).(*messages.Room).Free)
					time.Sleep(time.Hour)
					assert.True(t, in.Empty(), "once")
				})
			})
		}
	}
}

func TestRoomIsForSubmittersThatBlockFirst(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		gate, pool := gated(t, root, 1)
		in := pooltest.NewInbox(t, root)
		in.Request(pool.PID(), &messages.NotifyRoom{})
		synctest.Wait()
		admitted := make(chan error, 1)
		go func() { admitted <- pool.Tell(t.Context(), 2, actors.ID("2")) }()
		synctest.Wait()
		root.Send(pool.PID(), &messages.Cancel{ID: "1"})
		require.NoError(t, <-admitted)
		assert.True(t, in.Empty(), "the place went to the submitter, though it came later")
		root.Send(pool.PID(), &messages.Cancel{ID: "2"})
		assert.Equal(t, &messages.Room{Free: 1}, <-in.Mail)
		close(gate.Open)
	})
}

func TestOnePlaceIsOfferedToOneActorAtATime(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		_, pool := gated(t, root, 1)
		inboxes := make([]*pooltest.Inbox, 4)
		answered := func() (all []int) {
			synctest.Wait()
			for i, in := range inboxes {
				for range pooltest.Drain(in.Mail) {
					all = append(all, i)
				}
			}
			return all
		}
		for i := range inboxes {
			inboxes[i] = pooltest.NewInbox(t, root)
			inboxes[i].Request(pool.PID(), &messages.NotifyRoom{})
			synctest.Wait()
		}
		root.Send(pool.PID(), &messages.Cancel{ID: "1"})
		assert.Equal(t, []int{0}, answered())

		inboxes[0].Request(pool.PID(), &messages.Task{ID: "1", Payload: 1})
		inboxes[0].Request(pool.PID(), &messages.NotifyRoom{})
		assert.Empty(t, answered(), "it used the place")
		root.Send(pool.PID(), &messages.Cancel{ID: "1"})
		synctest.Wait()
		assert.IsType(t, &messages.Result{}, <-inboxes[0].Mail)
		assert.Equal(t, []int{1}, answered())
		time.Sleep(offerTime - time.Nanosecond)
		assert.Empty(t, answered())
		time.Sleep(time.Nanosecond)
		assert.Equal(t, []int{2}, answered(), "the other did not use the place")
		require.NoError(t, root.StopFuture(inboxes[3].PID).Wait())
		inboxes[3] = inboxes[2] // which has had its answer
		time.Sleep(offerTime)
		assert.Equal(t, []int{0}, answered(), "the last one is gone")
		time.Sleep(time.Hour)
		assert.Empty(t, answered())
	})
}

// A producer sends its tasks one by one, each when it has been told of room.
type producer struct {
	pool    *actor.PID
	left    int
	results func(*messages.Result)
}

func (p *producer) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		ctx.Request(p.pool, &messages.NotifyRoom{})
	case *messages.Room:
		ctx.Request(p.pool, p.left)
		if p.left--; p.left > 0 {
			ctx.Request(p.pool, &messages.NotifyRoom{})
		}
	case *messages.Result:
		p.results(msg)
	}
}

func TestProducersThatAskFirstAreNeverRejected(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin(), router.Random()} {
		t.Run(fmt.Sprint(dispatch), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Open(t, root, func(ctx context.Context, n int) (time.Duration, error) {
					return pooltest.Sleep(ctx, time.Duration(n%3)*time.Millisecond)
				}, actors.WithSize(3), actors.WithQueue(1, actors.Reject), actors.WithDispatch(dispatch))
				const producers, tasks = 200, 4
				results := make(chan *messages.Result, producers*tasks)
				for range producers {
					pooltest.Spawn(t, root, actor.PropsFromProducer(func() actor.Actor {
						return &producer{pool.PID(), tasks, func(r *messages.Result) { results <- r }}
					}))
				}
				for range producers * tasks {
					assert.NoError(t, (<-results).Err)
				}
				assert.Zero(t, pool.Stats().Rejected)
			})
		})
	}
}

func TestActorsThatAreGoneKeepTheRoomFromNobody(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		_, pool := gated(t, root, 1)
		gone, in := pooltest.NewInbox(t, root), pooltest.NewInbox(t, root)
		for range 10_000 {
			gone.Request(pool.PID(), &messages.NotifyRoom{})
		}
		for range 100 { // futures that have timed out
			_, err := root.RequestFuture(pool.PID(), &messages.NotifyRoom{}, time.Second).Result()
			assert.ErrorIs(t, err, actor.ErrTimeout)
		}
		in.Request(pool.PID(), &messages.NotifyRoom{})
		require.NoError(t, root.StopFuture(gone.PID).Wait())
		began := time.Now()
		root.Send(pool.PID(), &messages.Cancel{ID: "1"})
		assert.Equal(t, &messages.Room{Free: 1}, <-in.Mail)
		assert.Zero(t, time.Since(began))
	})
}

func TestNotifyRoomIsAnsweredWithAnErrorWhenThePoolEnds(t *testing.T) {
	for name, end := range map[string]func(root *actor.RootContext, pool *actors.Pool[int, int]){
		"close":  func(_ *actor.RootContext, pool *actors.Pool[int, int]) { pool.Close() },
		"drain":  func(root *actor.RootContext, pool *actors.Pool[int, int]) { root.Send(pool.PID(), &messages.Drain{}) },
		"finish": func(root *actor.RootContext, pool *actors.Pool[int, int]) { root.Send(pool.PID(), &messages.Finish{}) },
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				stay := make(chan struct{})
				pool := pooltest.Open(t, root, func(context.Context, int) (int, error) { <-stay; return 0, nil },
					actors.WithSize(1), actors.WithQueue(0, actors.Block))
				in := pooltest.NewInbox(t, root)
				require.NoError(t, pool.Tell(t.Context(), 1))
				synctest.Wait()
				in.Request(pool.PID(), &messages.NotifyRoom{})
				in.Request(pool.PID(), &messages.NotifyRoom{})
				assert.True(t, in.Empty())
				end(root, pool)
				for range 2 {
					result := (<-in.Mail).(*messages.Result)
					assert.ErrorIs(t, result.Err, messages.ErrPoolStopped)
					assert.Equal(t, messages.Rejected, result.Outcome)
				}
				assert.ErrorIs(t, in.Result(t, pool.PID(), &messages.NotifyRoom{}).Err, messages.ErrPoolStopped, "at once")
				assert.True(t, in.Empty())
				close(stay)
			})
		})
	}
	t.Run("no workers", func(t *testing.T) {
		pooltest.Bubble(t, func(t *testing.T) {
			root := pooltest.System().Root
			pool := pooltest.Open(t, root, func(context.Context, int) (int, error) {
				time.Sleep(time.Second)
				panic("the last worker's")
			}, actors.WithSize(1), actors.WithQueue(0, actors.Block),
				actors.WithSupervision(supervisor.OneForOne(supervisor.Restarts(0, time.Second))))
			in := pooltest.NewInbox(t, root)
			require.NoError(t, pool.Tell(t.Context(), 1))
			synctest.Wait()
			in.Request(pool.PID(), &messages.NotifyRoom{})
			assert.True(t, in.Empty())
			assert.ErrorIs(t, (<-in.Mail).(*messages.Result).Err, messages.ErrNoWorkers)
			assert.ErrorIs(t, in.Result(t, pool.PID(), &messages.NotifyRoom{}).Err, messages.ErrNoWorkers)
		})
	})
}

// TestRoomIsWhatTheQueueTakes compares Room.Free with the number of tasks that are accepted.
func TestRoomIsWhatTheQueueTakes(t *testing.T) {
	for seed := range uint64(80) {
		pooltest.Bubble(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 0))
			root := pooltest.System().Root
			gate := pooltest.NewGate()
			dispatch := []router.Dispatch{router.LeastBusy(), router.RoundRobin(), router.Random()}[rnd.IntN(3)]
			pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
				if n < 0 {
					return 0, messages.RetryAfter(time.Hour)
				}
				return gate.Handle(ctx, n)
			}, actors.WithSize(1+rnd.IntN(4)), actors.WithQueue(rnd.IntN(6), actors.Reject), actors.WithDispatch(dispatch),
				actors.WithRetry(actors.Retry{Attempts: 2}))
			in := pooltest.NewInbox(t, root)
			for range rnd.IntN(8) {
				switch rnd.IntN(8) {
				case 0:
					in.Request(pool.PID(), &messages.Broadcast{Message: 1})
				case 1:
					in.Request(pool.PID(), -1)
				case 2:
					pool.Pause()
				case 3:
					pool.Resume()
				case 4:
					require.NoError(t, pool.Resize(t.Context(), 1+rnd.IntN(4)))
				case 5:
					in.Request(pool.PID(), &messages.Cancel{ID: fmt.Sprint(1 + rnd.IntN(4))})
				default:
					in.Request(pool.PID(), 1)
				}
				synctest.Wait()
			}
			pooltest.Drain(in.Mail)
			in.Request(pool.PID(), &messages.NotifyRoom{})
			synctest.Wait()
			free := 0
			if len(in.Mail) > 0 {
				free = (<-in.Mail).(*messages.Room).Free
			}
			before := pool.Stats()
			for range free {
				in.Request(pool.PID(), 1)
				synctest.Wait()
			}
			after := pool.Stats()
			assert.EqualValues(t, free, after.Submitted-before.Submitted, "seed %d, %v", seed, dispatch)
			assert.Equal(t, before.Rejected, after.Rejected, "seed %d", seed)
			in.Request(pool.PID(), 1)
			assert.Equal(t, after.Rejected+1, pool.Stats().Rejected, "seed %d, %v: there was room for more than %d", seed, dispatch, free)
		})
	}
}
