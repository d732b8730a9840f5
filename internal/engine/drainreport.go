package engine

import "github.com/troupe-go/troupe/messages"

// DrainReport returns the outcomes of the tasks since the drain or close began.
func (e *stopping) DrainReport() (report messages.DrainReport) {
	e.stopWorld(func() {
		now := e.totalsLocked()
		since := func(o messages.Outcome) int64 { return now[o] - e.before[o] }
		report = messages.DrainReport{
			Finished: since(messages.Succeeded) + since(messages.Failed) + since(messages.Panicked) +
				since(messages.TimedOut) + since(messages.Quarantined),
			Canceled: since(messages.Canceled),
			Dropped:  since(messages.Dropped),
		}
		for _, w := range e.roster.workers {
			if t := w.inHandLocked(); t != nil {
				report.Abandoned = append(report.Abandoned, t.id())
			}
		}
		for _, t := range e.callers.tasks() {
			report.Abandoned = append(report.Abandoned, t.id())
		}
		report.Abandoned = append(report.Abandoned, e.watchdog.abandonedIDs(func(h *hand) bool {
			w := e.roster.byID[h.worker]
			return w != nil && &w.hand == h
		})...)
	})
	return report
}
