package queue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/internal/queue"
)

// Removing from the middle must cost the same however long the queue is. A
// removal that searches would take over a thousand times as long in the second
// queue as in the first; a factor of fifty leaves room for cold caches and a
// busy machine.
func TestRemoveCostsTheSameHoweverLongTheQueue(t *testing.T) {
	const removals = 500
	cost := func(length int) time.Duration {
		best := time.Duration(1<<63 - 1)
		for range 5 {
			var q queue.Queue[int]
			nodes := make([]*node, length)
			for i := range nodes {
				nodes[i] = nodeOf(i)
				q.Push(nodes[i], 0)
			}
			middle := nodes[(length-removals)/2:][:removals]
			start := time.Now()
			for _, n := range middle {
				q.Remove(n)
			}
			best = min(best, time.Since(start))
		}
		return best
	}
	short, long := cost(removals), cost(removals*1000)
	assert.Less(t, long, 50*max(short, time.Microsecond))
}
