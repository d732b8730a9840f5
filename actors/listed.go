package actors

import (
	"github.com/troupe-go/troupe/internal/directory"
	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/internal/meter"
)

// listed is a pool as the directory of the system's pools has it.
type listed struct{ *running }

var _ directory.Pool = listed{}

// Histograms implements directory.Pool.
func (l listed) Histograms() (wait, run meter.Histogram) { return l.engine.Histograms() }

// Attach implements directory.Pool.
func (l listed) Attach(j *journal.Journal) { l.engine.Attach(j) }

// Detach implements directory.Pool.
func (l listed) Detach(j *journal.Journal) { l.engine.Detach(j) }

// Quarantines implements directory.Pool.
func (l listed) Quarantines() bool { return l.quarantines }
