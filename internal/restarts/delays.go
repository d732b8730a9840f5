package restarts

import (
	"time"

	"github.com/troupe-go/troupe/internal/backoff"
)

// Delays are the delays before the restarts of a worker that keeps failing. The
// sequence begins again with the first delay once the worker has not failed for
// the time ResetAfter since its last restart.
type Delays struct {
	backoff.Backoff
	ResetAfter time.Duration
}

// Delaying makes a strategy tell how it delays restarts. A strategy embeds it
// under an unexported name. The method is unexported, so the strategy's
// documentation does not show it.
type Delaying struct{ delays *Delays }

// By returns a Delaying for a strategy that delays restarts by d.
func By(d Delays) Delaying { return Delaying{&d} }

func (d Delaying) restartDelays() *Delays { return d.delays }

// Of returns the restart delays of a strategy; nil if it delays nothing, or is
// not one of Troupe's own.
func Of(strategy any) *Delays {
	if s, ok := strategy.(interface{ restartDelays() *Delays }); ok {
		return s.restartDelays()
	}
	return nil
}
