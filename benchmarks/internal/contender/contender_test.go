package contender_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
)

// A contender that lost tasks would look quick.
func TestEachContenderDoesEachTaskOnce(t *testing.T) {
	const tasks = 500
	for _, c := range append(contender.All(), contender.TroupeRoundRobin()) {
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
			count.Wait()
			require.NoError(t, pool.Close())
			for n, done := range times {
				assert.Equal(t, 1, done, "task %d", n)
			}
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
