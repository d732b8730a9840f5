package meter_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/internal/meter"
)

// A record is a task that ended and how long it had run then.
type record struct{ end, run time.Duration }

const ms = time.Millisecond

func TestWindowIsTheLastTenSeconds(t *testing.T) {
	sec := func(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
	tests := []struct {
		name    string
		records []record
		now     time.Duration
		tasks   int64
		busy    time.Duration
	}{
		{
			"all inside",
			[]record{{sec(1.5), 200 * ms}, {sec(4.5), 300 * ms}},
			sec(5),
			2, 500 * ms,
		},
		{
			"the second that runs now counts",
			[]record{{sec(20.4), 100 * ms}},
			sec(20.5),
			1, 100 * ms,
		},
		{
			"a task counts where it ends, its time where it ran",
			[]record{{sec(12.25), 2500 * ms}},
			sec(21.5),
			// Of the window's 11.5 s to 21.5 s: half of second 11, which was all
			// busy, and the quarter of second 12. The task ended in there.
			1, 750 * ms,
		},
		{
			"longer than the window",
			[]record{{sec(30), sec(30)}},
			sec(30),
			1, sec(10),
		},
		{
			"the oldest second counts in proportion",
			[]record{
				{sec(10.1), 100 * ms}, {sec(10.2), 100 * ms}, {sec(10.3), 100 * ms}, {sec(10.4), 100 * ms},
			},
			sec(20.75),
			1, 100 * ms,
		},
		{
			"at a full second the window starts at a full second",
			[]record{{sec(10.5), 300 * ms}, {sec(9.9), 200 * ms}},
			sec(20),
			1, 300 * ms,
		},
		{
			"what has left the window is gone",
			[]record{{sec(1), 500 * ms}, {sec(2), 500 * ms}},
			sec(13),
			0, 0,
		},
		{
			"out of order, both inside",
			[]record{{sec(15), 400 * ms}, {sec(12), 300 * ms}, {sec(14), 200 * ms}},
			sec(16),
			3, 900 * ms,
		},
		{
			// Second 9 and second 20 share a place: the late record must not push the newer one out.
			"out of order, one too late",
			[]record{{sec(20.5), 400 * ms}, {sec(9.5), 300 * ms}},
			sec(20.5),
			1, 400 * ms,
		},
		{
			"a late record keeps the part that is still inside",
			[]record{{sec(20.5), 100 * ms}, {sec(10.5), 1000 * ms}},
			sec(20.5),
			// Second 9's place is taken; half of second 10's 500 ms is inside,
			// and half a task rounds down.
			1, 350 * ms,
		},
		{
			"a place is reused after a long silence",
			[]record{{sec(5.5), 400 * ms}, {sec(5.5 + 11*100), 300 * ms}},
			sec(5.5 + 11*100),
			1, 300 * ms,
		},
		{
			"no time at all still counts as a task",
			[]record{{sec(3), 0}},
			sec(3),
			1, 0,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := meter.New()
			for _, r := range tt.records {
				m.Record(0, 1, 0, int64(r.run), int64(r.end))
			}
			got := m.Read(int64(tt.now))
			assert.Equal(t, tt.tasks, got.Tasks, "tasks")
			assert.Equal(t, tt.busy, got.Busy, "busy")
		})
	}
}
