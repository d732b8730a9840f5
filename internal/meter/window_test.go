package meter_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/internal/meter"
)

// A finished task ended at end, after it had run for the time run.
type finished struct{ end, run time.Duration }

const ms = time.Millisecond

func TestWindowIsTheLastTenSeconds(t *testing.T) {
	sec := func(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
	tests := []struct {
		name    string
		records []finished
		now     time.Duration
		tasks   int64
		busy    time.Duration
	}{
		{
			"all inside",
			[]finished{{sec(1.5), 200 * ms}, {sec(4.5), 300 * ms}},
			sec(5),
			2, 500 * ms,
		},
		{
			"the second that runs now counts",
			[]finished{{sec(20.4), 100 * ms}},
			sec(20.5),
			1, 100 * ms,
		},
		{
			"a task counts where it ends, its time where it ran",
			[]finished{{sec(12.25), 2500 * ms}},
			sec(21.5),
			// Of the window's 11.5 s to 21.5 s: half of second 11, which was all
			// busy, and the quarter of second 12. The task ended in there.
			1, 750 * ms,
		},
		{
			"longer than the window",
			[]finished{{sec(30), sec(30)}},
			sec(30),
			1, sec(10),
		},
		{
			"the oldest second counts in proportion",
			[]finished{
				{sec(10.1), 100 * ms}, {sec(10.2), 100 * ms}, {sec(10.3), 100 * ms}, {sec(10.4), 100 * ms},
			},
			sec(20.75),
			1, 100 * ms,
		},
		{
			"at a full second the window starts at a full second",
			[]finished{{sec(10.5), 300 * ms}, {sec(9.9), 200 * ms}},
			sec(20),
			1, 300 * ms,
		},
		{
			"what has left the window is gone",
			[]finished{{sec(1), 500 * ms}, {sec(2), 500 * ms}},
			sec(13),
			0, 0,
		},
		{
			"out of order, both inside",
			[]finished{{sec(15), 400 * ms}, {sec(12), 300 * ms}, {sec(14), 200 * ms}},
			sec(16),
			3, 900 * ms,
		},
		{
			// Second 9 and second 20 share a place: the late record must not push the newer one out.
			"out of order, one too late",
			[]finished{{sec(20.5), 400 * ms}, {sec(9.5), 300 * ms}},
			sec(20.5),
			1, 400 * ms,
		},
		{
			"a late record keeps the part that is still inside",
			[]finished{{sec(20.5), 100 * ms}, {sec(10.5), 1000 * ms}},
			sec(20.5),
			// Second 9's place is taken; half of second 10's 500 ms is inside,
			// and half a task rounds down.
			1, 350 * ms,
		},
		{
			"a place is reused after a long silence",
			[]finished{{sec(5.5), 400 * ms}, {sec(5.5 + 11*100), 300 * ms}},
			sec(5.5 + 11*100),
			1, 300 * ms,
		},
		{
			"no time at all still counts as a task",
			[]finished{{sec(3), 0}},
			sec(3),
			1, 0,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := meter.New()
			for _, r := range tt.records {
				record(m, 0, 1, 0, int64(r.run), int64(r.end))
			}
			got := m.Read(int64(tt.now))
			assert.Equal(t, tt.tasks, got.Tasks, "tasks")
			assert.Equal(t, tt.busy, got.Busy, "busy")
		})
	}
}
