package contender_test

import (
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
)

// A contender that lost tasks would look quick.
func TestEachContenderDoesEachTaskOnce(t *testing.T) {
	const tasks = 500
	for _, c := range append(contender.All(), contender.TroupeRoundRobin(), contender.TroupeRandom()) {
		t.Run(c.Name, func(t *testing.T) {
			count := measure.NewCountdown()
			times := make([]int, tasks) // each task has its own element
			do := func(n int) {
				times[n]++
				count.Done()
			}
			work := contender.Work{Do: do, Func: func(n int) func() { return func() { do(n) } }}
			pool, err := c.Open(4, work)
			require.NoError(t, err)
			count.Start(tasks)
			for n := range tasks {
				require.NoError(t, pool.Tell(n))
			}
			require.NoError(t, count.Wait())
			require.NoError(t, pool.Close())
			for n, done := range times {
				assert.Equal(t, 1, done, "task %d", n)
			}
		})
	}
}

func TestEachPoolOfActorsReceivesEachMessageOnce(t *testing.T) {
	const tasks = 500
	for _, c := range append(contender.Routers(), contender.HashRouters()...) {
		t.Run(c.Name, func(t *testing.T) {
			count := measure.NewCountdown()
			var received atomic.Int64
			pool, err := c.Open(4, actor.Producer(func() actor.Actor {
				return actor.ReceiveFunc(func(ctx actor.Context) {
					if _, ok := ctx.Message().(*contender.Keyed); ok {
						received.Add(1)
						count.Done()
					}
				})
			}))
			require.NoError(t, err)
			count.Start(tasks)
			for n := range tasks {
				pool.System.Root.Send(pool.PID, &contender.Keyed{Key: strconv.Itoa(n)})
			}
			require.NoError(t, count.Wait())
			require.NoError(t, pool.Close())
			assert.EqualValues(t, tasks, received.Load())
		})
	}
}

func TestEachAskerAnswers(t *testing.T) {
	for _, a := range contender.Askers() {
		t.Run(a.Name, func(t *testing.T) {
			pool, err := a.Open(4)
			require.NoError(t, err)
			ask := pool.Caller()
			for n := range 50 {
				answer, err := ask(n)
				require.NoError(t, err)
				assert.Equal(t, n, answer)
			}
			require.NoError(t, pool.Close())
		})
	}
}
