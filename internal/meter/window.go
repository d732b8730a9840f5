package meter

import (
	"time"

	"github.com/troupe-go/troupe/messages"
)

const (
	slot  = int64(time.Second)
	slots = int64(messages.StatsWindow) / slot
)

// A window has the tasks that ended and the time that workers were busy in each
// of the last seconds: as many as StatsWindow, and the one that runs now.
type window struct {
	cells [slots + 1]struct{ second, tasks, busy int64 }
}

// record adds n tasks that ran from start to end, a share of their time to each
// second that they touched.
func (w *window) record(n, start, end int64) {
	last := end / slot
	for second := max(start/slot, last-slots); second <= last; second++ {
		c := &w.cells[second%int64(len(w.cells))]
		if c.second != second {
			if c.second > second {
				continue // another goroutine was first and is past that second's life
			}
			c.second, c.tasks, c.busy = second, 0, 0
		}
		c.busy += min(end, (second+1)*slot) - max(start, second*slot)
		if second == last {
			c.tasks += n
		}
	}
}

// sum adds up the window that ends now. The second at its old end is only
// partly inside and counts in proportion.
func (w *window) sum(now int64) (tasks, busy int64) {
	current := now / slot
	for _, c := range w.cells {
		switch {
		case c.second > current-slots && c.second <= current:
			tasks += c.tasks
			busy += c.busy
		case c.second == current-slots && c.second >= 0:
			inside := slot - now%slot
			tasks += c.tasks * inside / slot
			busy += c.busy * inside / slot
		}
	}
	return tasks, busy
}
