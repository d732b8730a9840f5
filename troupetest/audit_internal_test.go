package troupetest

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/messages"
)

// A step is something that the engine tells a record.
type step func(*record)

func accepted(number int64) step {
	return func(r *record) { r.Accepted(journal.Acceptance{Seq: number, Payload: "milk"}) }
}

func ended(number int64, outcome messages.Outcome) step {
	return func(r *record) { r.Ended(journal.Entry{Seq: number, Outcome: outcome, Attempts: 1}) }
}

func retried(number int64, attempt int) step {
	return func(r *record) {
		r.Ended(journal.Entry{Seq: number, Outcome: messages.Failed, Attempts: attempt, Again: true})
	}
}

func TestTheCheckFindsEveryFault(t *testing.T) {
	for name, c := range map[string]struct {
		steps  []step
		stats  messages.Stats
		before span
		want   string // in the only fault; empty: there is none
	}{
		"none": {
			[]step{accepted(1), retried(1, 1), ended(1, messages.Succeeded)},
			messages.Stats{Submitted: 1, Succeeded: 1},
			span{},
			"",
		},
		"a lost task": {
			[]step{accepted(1), accepted(2), retried(2, 1), ended(1, messages.Succeeded)},
			messages.Stats{Submitted: 2, Succeeded: 1, Running: 1},
			span{},
			"task 2 was accepted",
		},
		"a task that was settled twice": {
			[]step{accepted(1), ended(1, messages.TimedOut), ended(1, messages.Succeeded)},
			messages.Stats{Submitted: 1, TimedOut: 1},
			span{},
			"task 1 was settled twice: timed out and succeeded",
		},
		"a task that was never accepted": {
			[]step{ended(1, messages.Failed)},
			messages.Stats{},
			span{},
			"task 1 was failed, but it was never accepted",
		},
		"two tasks with one number": {
			[]step{accepted(1), ended(1, messages.Failed), accepted(1), ended(1, messages.Failed)},
			messages.Stats{Submitted: 2, Failed: 2},
			span{},
			"two tasks were accepted with the number 1",
		},
		"a task that the pool did not count": {
			[]step{accepted(1), ended(1, messages.Failed)},
			messages.Stats{},
			span{},
			"1 tasks are in the record, but the pool counts 0",
		},
		"a task that was not recorded": {
			nil,
			messages.Stats{Submitted: 1, Failed: 1},
			span{},
			"0 tasks are in the record, but the pool counts 1",
		},
		"another outcome": {
			[]step{accepted(1), ended(1, messages.Failed)},
			messages.Stats{Submitted: 1, Succeeded: 1},
			span{},
			"1 tasks are in the record as failed, but the pool counts 0",
		},
		"a ledger that does not add up": {
			[]step{accepted(1), ended(1, messages.Failed)},
			messages.Stats{Submitted: 1, Failed: 1, Queued: 1},
			span{},
			"the ledger of the stopped pool does not add up",
		},
		"tasks from before the recording": {
			[]step{accepted(3), ended(3, messages.Failed)},
			messages.Stats{Submitted: 3, Failed: 2, Canceled: 1},
			span{1, 2},
			"",
		},
		"too many tasks from before the recording": {
			[]step{accepted(4), ended(4, messages.Failed)},
			messages.Stats{Submitted: 4, Failed: 4},
			span{1, 2},
			"of which 1 to 2 were accepted before the recording began",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecord()
			r.noticeComplete()
			for _, step := range c.steps {
				step(r)
			}
			faults := strings.Join(r.audit(c.stats, c.before), "\n")
			if c.want == "" {
				assert.Empty(t, faults)
				return
			}
			assert.Contains(t, faults, c.want)
		})
	}
}

func TestALostTaskIsShownWithItsInput(t *testing.T) {
	r := newRecord()
	accepted(1)(r)
	assert.Contains(t, strings.Join(r.audit(messages.Stats{}, span{}), "\n"), "Its input: milk")
}

func TestTheAttemptsOfATaskAreInOrderAndOnce(t *testing.T) {
	r := newRecord()
	for _, step := range []step{accepted(1), retried(1, 2), retried(1, 1), retried(1, 2), ended(1, messages.Canceled)} {
		step(r)
	}
	task := copies[string](r, func(r *record) []*taskRecord { return r.accepted })[0]
	assert.Len(t, task.Attempts, 2)
	assert.Equal(t, "milk", task.In)
	assert.Equal(t, messages.Canceled, task.Outcome)
}

func TestAProfileIsReadForOneLabel(t *testing.T) {
	const profile = `goroutine profile: total 6
1 @ 0x1 0x2
# labels: {"troupetest":"7"}
#	0x1	runtime/pprof.writeGoroutine+0x44	/go/pprof.go:784
#	0x2	testing.tRunner+0xe9			/go/testing.go:2036

2 @ 0x3
# labels: {"a":"b", "troupetest":"7"}
#	0x3	example.leak+0x18	/home/a b/leak.go:3

1 @ 0x4
# labels: {"troupetest":"77"}
#	0x4	example.other+0x18	/other.go:3

1 @ 0x5
#	0x5	example.unlabeled+0x18	/unlabeled.go:3
`
	assert.Equal(t, []goroutines{{2, "example.leak\n\t/home/a b/leak.go:3"}}, parse(profile, "7"))
}

func TestEveryFaultOfAStateIsFound(t *testing.T) {
	s := newStates()
	left, twice := s.opened("w/1", io.NopCloser(nil)), s.opened("w/2", io.NopCloser(nil))
	s.closing(twice)
	assert.Equal(t, []string{"the io.nopCloser of w/1 was not closed"}, s.audit())
	s.closing(left)
	assert.Empty(t, s.audit())
	s.closing(twice)
	assert.Equal(t, []string{"the io.nopCloser of w/2 was closed again"}, s.audit())
}
