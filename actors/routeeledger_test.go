package actors_test

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// Routees die and come, and some do not answer. Each request has exactly one answer, and the
// ledger says which.
func TestTheLedgerOfRouteesThatDieBalances(t *testing.T) {
	for _, dispatch := range bindings {
		for _, retries := range []int{0, 3} {
			t.Run(dispatch.String()+" "+strconv.Itoa(retries), func(t *testing.T) {
				timelimit.Set(t)
				ledgerOfRoutees(t, dispatch, retries)
			})
		}
	}
}

func ledgerOfRoutees(t *testing.T, dispatch router.Dispatch, retries int) {
	const requests = 10_000
	root := pooltest.System().Root
	options := []actors.Option{
		actors.WithDispatch(dispatch), actors.WithQueue(actors.Unbounded, actors.Reject),
		actors.WithTaskTimeout(200 * time.Millisecond), actors.WithErrorResponses(),
	}
	if retries > 0 {
		options = append(options, actors.WithRetry(actors.Retry{Attempts: retries}))
	}
	var forgets atomic.Int64
	var killers sync.Map
	firstTime := func(n int) bool {
		_, known := killers.LoadOrStore(n, true)
		return !known
	}
	routee := actor.PropsFromFunc(func(ctx actor.Context) {
		n, ok := ctx.Message().(int)
		switch {
		case !ok:
		case n%1000 == 999:
			forgets.Add(1)
		case n%100 == 99:
			ctx.Respond(pooltest.ErrTask)
		case n%300 == 7 && firstTime(n): // else its retries would leave no routee
			ctx.Stop(ctx.Self())
		default:
			ctx.Respond(n)
			if n%50 == 0 {
				ctx.Respond("once more")
			}
		}
	})
	var pids []*actor.PID
	for range 8 {
		pids = append(pids, root.Spawn(routee))
	}
	pool := pooltest.Spawn(t, root, actors.PropsFromRoutees(pids, options...))
	done := make(chan map[messages.Outcome]int64)
	asker := pooltest.Spawn(t, root, actor.PropsFromFunc(newAsker(pool, requests, done)))
	root.Send(asker, "go")
	for {
		select {
		case outcomes := <-done:
			stats := pooltest.Stats(t, root.ActorSystem(), pool)
			assert.Zero(t, stats.Running)
			assert.Zero(t, stats.Queued)
			assert.Equal(t, stats.Succeeded, outcomes[messages.Succeeded])
			assert.Equal(t, stats.Failed, outcomes[messages.Failed])
			assert.Equal(t, stats.TimedOut, outcomes[messages.TimedOut])
			assert.Equal(t, stats.Dropped, outcomes[messages.Dropped])
			assert.Equal(t, stats.Rejected, outcomes[messages.Rejected])
			assert.Positive(t, stats.Succeeded)
			assert.Positive(t, forgets.Load())
			return
		case <-time.After(time.Millisecond): // another comes, and perhaps one goes
			fresh := root.Spawn(routee)
			root.Send(pool, &protorouter.AddRoutee{PID: fresh})
			if rand.IntN(2) == 0 {
				answer, err := root.RequestFuture(pool, &protorouter.GetRoutees{}, time.Minute).Result()
				require.NoError(t, err)
				if list := answer.(*protorouter.Routees).PIDs; len(list) > 1 {
					root.Stop(list[rand.IntN(len(list))])
				}
			}
		}
	}
}

// newAsker returns an actor that sends requests, 64 of them in flight, and counts the outcomes.
func newAsker(pool *actor.PID, requests int, done chan<- map[messages.Outcome]int64) actor.ReceiveFunc {
	outcomes := make(map[messages.Outcome]int64)
	sent, got := 0, 0
	return func(ctx actor.Context) {
		outcome := messages.Succeeded
		switch m := ctx.Message().(type) {
		case string:
			if m == "go" {
				for ; sent < 64; sent++ {
					ctx.Request(pool, sent)
				}
			}
			return
		case int:
		case error:
			outcome = messages.Failed
		case *messages.Result:
			outcome = m.Outcome
		default:
			return
		}
		outcomes[outcome]++
		if got++; got == requests {
			done <- outcomes
		}
		if sent < requests {
			ctx.Request(pool, sent)
			sent++
		}
	}
}

func TestTheTasksOfAKeyStayWithTheirRoutee(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pids := spawnRoutees(t, root, 4, func(ctx actor.Context) {
			if task, ok := ctx.Message().(*messages.Task); ok {
				ctx.Respond(task.Key + " at " + ctx.Self().Id)
			}
		})
		r := startRoutees(t, root, pids, actors.WithDispatch(router.ConsistentHash()))
		seen := make(map[any]int)
		for i := range 100 {
			r.in.Request(r.pool, &messages.Task{Key: strconv.Itoa(i % 10)})
		}
		for _, answer := range r.answers() {
			seen[answer]++
		}
		assert.Len(t, seen, 10, "each key has one routee")
	})
}

func TestTheBreakerSidelinesARouteeThatFails(t *testing.T) {
	underBoth(t, func(t *testing.T, dispatch actors.Option) {
		root := pooltest.System().Root
		failures := 0
		broken := pooltest.Spawn(t, root, actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(int); ok {
				failures++
				ctx.Respond(pooltest.ErrTask)
			}
		}))
		r := startRoutees(t, root, []*actor.PID{broken, answerer(t, root, 0)}, dispatch, actors.WithErrorResponses(),
			actors.WithBreaker(actors.Breaker{Failures: 3, Cooldown: time.Minute}))
		for range 40 {
			r.request(1)
		}
		assert.Equal(t, 3, failures)
		assert.EqualValues(t, 37, r.stats().Succeeded)
	})
}
