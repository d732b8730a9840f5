package actors_test

import (
	"time"

	"github.com/troupe-go/troupe/actors"
)

// retry is a policy of four attempts with delays of 1, 2 and 4 seconds.
func retry(change ...func(*actors.Retry)) actors.Option {
	policy := actors.Retry{Attempts: 4, Min: time.Second, Max: time.Minute, On: actors.AnyError}
	for _, f := range change {
		f(&policy)
	}
	return actors.WithRetry(policy)
}

func panics(p *actors.Retry) { p.Panics = true }

func quarantine(crashes, keep int) actors.Option {
	return actors.WithQuarantine(actors.Quarantine{Crashes: crashes, Keep: keep})
}

func watchdog(grace time.Duration, limit int) actors.Option {
	return actors.WithWatchdog(actors.Watchdog{Grace: grace, Limit: limit})
}
