package contender_test

import (
	"runtime"
	"slices"
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
	for _, c := range append(contender.All(), contender.TroupeRoundRobin(), contender.TroupeRandom(),
		contender.Stateful(), contender.FuncPool()) {
		t.Run(c.Name, func(t *testing.T) {
			count := measure.NewCountdown()
			times := make([]int, tasks) // each task has its own element
			do := func(n int) {
				times[n]++
				count.Done()
			}
			pool, err := c.Open(4, contender.Closures(do))
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
	for _, a := range slices.Concat(contender.Askers(), contender.Doers(), contender.StatefulAskers()) {
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

func TestEachGroupDoesEachTaskOnce(t *testing.T) {
	const groups = 3
	all := map[string][]contender.GroupContender{
		"tasks": contender.TaskGroups(), "functions": contender.FuncGroups(),
		"limited": contender.LimitedGroups(2), "sequences": contender.Sequences(),
	}
	for kind, contenders := range all {
		for _, c := range contenders {
			t.Run(kind+"/"+c.Name, func(t *testing.T) {
				times := make([]atomic.Int32, 500)
				pool, err := c.Open(t.Context(), 4, func(n int) { times[n].Add(1) })
				require.NoError(t, err)
				for range groups {
					require.NoError(t, pool.Do(len(times)))
				}
				require.NoError(t, pool.Close())
				for n := range times {
					assert.EqualValues(t, groups, times[n].Load(), "task %d", n)
				}
			})
		}
	}
}

// A contender that ignored the limit would look quick.
func TestALimitedGroupRunsFewTasksAtATime(t *testing.T) {
	const limit = 2
	for _, c := range contender.LimitedGroups(limit) {
		t.Run(c.Name, func(t *testing.T) {
			var running, most atomic.Int32
			pool, err := c.Open(t.Context(), 8, func(int) {
				now := running.Add(1)
				defer running.Add(-1)
				for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); {
					seen = most.Load()
				}
				runtime.Gosched()
			})
			require.NoError(t, err)
			require.NoError(t, pool.Do(500))
			require.NoError(t, pool.Close())
			assert.LessOrEqual(t, most.Load(), int32(limit))
		})
	}
}
