package workload_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/benchmarks/internal/workload"
)

// The workloads that take long even in a smoke test are left to one by hand.
func TestWorkloadsFindFigures(t *testing.T) {
	slow := map[string]bool{
		"send": true, "hash": true, "skew": true, "idle": true, "sizes": true, "backlog": true, "resize": true,
	}
	for _, w := range workload.All() {
		if slow[w.Name] {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			section, err := w.Run(workload.Env{Runs: 1, Quick: true, Log: t.Logf})
			require.NoError(t, err)
			require.NotEmpty(t, section.Tables)
			if w.Name != "locks" { // which only informs
				require.NotEmpty(t, section.Targets)
			}
			for _, target := range section.Targets {
				assert.False(t, math.IsNaN(target.Measured), target.What)
			}
		})
	}
}

func TestSharesAddUpToTheMessages(t *testing.T) {
	for _, messages := range []int{0, 1, 15, 16, 17, 200_000} {
		assert.Equal(t, messages, workload.SentBy(16, messages))
	}
}
