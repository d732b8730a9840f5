package workload_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/benchmarks/internal/workload"
)

// The workloads that take long even in a smoke test are left to one by hand.
func TestWorkloadsFindFigures(t *testing.T) {
	slow := map[string]bool{"skew": true, "idle": true, "sizes": true, "backlog": true}
	for _, w := range workload.All() {
		if slow[w.Name] {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			section, err := w.Run(workload.Env{Runs: 1, Quick: true, Log: t.Logf})
			require.NoError(t, err)
			require.NotEmpty(t, section.Tables)
			require.NotEmpty(t, section.Targets)
			for _, target := range section.Targets {
				if target.What != "allocations a task" && target.What != "allocations a call" {
					assert.Positive(t, target.Measured, target.What)
				}
			}
		})
	}
}
