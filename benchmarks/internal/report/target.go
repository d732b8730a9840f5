package report

import (
	"fmt"
	"math"
)

// A Target is what Troupe is held to, and what was measured.
type Target struct {
	What     string
	Limit    float64
	Measured float64
	// AtLeast says that the limit is the least; else it is the most.
	AtLeast bool
}

// Met reports whether the target was met.
func (t Target) Met() bool {
	if t.AtLeast {
		return t.Measured >= t.Limit
	}
	return t.Measured <= t.Limit
}

func (t Target) row(workload string) []string {
	bound, met := "≤", "missed"
	if t.AtLeast {
		bound = "≥"
	}
	if t.Met() {
		met = "met"
	}
	return []string{workload, t.What, bound + " " + Number(t.Limit), Number(t.Measured), met}
}

// Number renders a figure with as many digits as mean something.
func Number(figure float64) string {
	switch size := math.Abs(figure); {
	case size < 0.0005:
		return "0"
	case size < 0.095:
		return fmt.Sprintf("%.3f", figure)
	case size < 10:
		return fmt.Sprintf("%.2f", figure)
	case size < 100:
		return fmt.Sprintf("%.1f", figure)
	}
	return fmt.Sprintf("%.0f", figure)
}
