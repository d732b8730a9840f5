package troupetest

import (
	"fmt"

	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/messages"
)

// maxPayload is how many bytes of a payload a message of failure shows.
const maxPayload = 200

// audit lists what is wrong with the record of a pool that has stopped with the given
// statistics. before bounds the tasks that are not in the record, since they were accepted
// before the pool was followed.
func (r *record) audit(stats messages.Stats, before span) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	faults := append([]string(nil), r.faults...)
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }

	counts := make(map[messages.Outcome]int64)
	for _, t := range r.accepted {
		if t.end.Outcome == 0 {
			fault("task %s was accepted %v before the pool stopped and is lost: it was never settled. Its input: %s",
				t.id(), stats.At.Sub(t.At).Round(0), journal.Clip(fmt.Sprintf("%+v", t.Payload), maxPayload))
		}
		counts[t.end.Outcome]++
	}
	if !stats.Balanced() || stats.Queued != 0 || stats.Running != 0 {
		fault("the ledger of the stopped pool does not add up: %d submitted, %d queued, %d running, %d settled",
			stats.Submitted, stats.Queued, stats.Running, stats.Settled())
	}
	unseen := stats.Submitted - int64(len(r.accepted))
	if unseen < before.least || unseen > before.most {
		fault("%d tasks are in the record, but the pool counts %d, of which %d to %d were accepted before the recording began",
			len(r.accepted), stats.Submitted, before.least, before.most)
		return faults
	}
	for outcome, counted := range settledBy(&stats) {
		recorded := counts[outcome]
		if recorded > counted || counted-recorded > unseen {
			fault("%d tasks are in the record as %v, but the pool counts %d", recorded, outcome, counted)
		}
	}
	return faults
}

// settledBy returns how many tasks the statistics count for each outcome.
func settledBy(s *messages.Stats) map[messages.Outcome]int64 {
	return map[messages.Outcome]int64{
		messages.Succeeded: s.Succeeded, messages.Failed: s.Failed, messages.Panicked: s.Panicked,
		messages.TimedOut: s.TimedOut, messages.Canceled: s.Canceled, messages.Dropped: s.Dropped,
		messages.Quarantined: s.Quarantined,
	}
}
