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
			places := make([]queue.Place, length)
			for i := range places {
				places[i] = q.Push(new(i), 0)
			}
			middle := places[(length-removals)/2:][:removals]
			start := time.Now()
			for _, place := range middle {
				q.Remove(place, 0)
			}
			best = min(best, time.Since(start))
		}
		return best
	}
	short, long := cost(removals), cost(removals*1000)
	assert.Less(t, long, 50*max(short, time.Microsecond))
}
