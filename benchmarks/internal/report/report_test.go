package report_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

func TestATableIsAligned(t *testing.T) {
	table := report.Table{Title: "ns a task", Header: []string{"contender", "2"}}
	table.Row("Troupe", "77")
	section := report.Section{Workload: "tell", Title: "Tell", Text: "No answer.", Tables: []report.Table{table}}
	assert.Equal(t, `## Tell

No answer.

To repeat it, in benchmarks/: `+"`go run . -only '^tell$'`"+`.

ns a task:

| contender |  2 |
| --------- | -: |
| Troupe    | 77 |

`, section.Markdown())
}

func TestTargetsSayWhetherTheyAreMet(t *testing.T) {
	document := report.Document{Runs: 11, Sections: []report.Section{{Title: "Tell", Targets: []report.Target{
		{What: "time", Limit: 1, Measured: 0.9},
		{What: "time again", Limit: 1, Measured: 1.1},
		{What: "throughput", Limit: 0.5, Measured: 0.6, AtLeast: true},
	}}}}
	var b strings.Builder
	require.NoError(t, document.Markdown(&b))
	for _, row := range []string{
		"| Tell     | time       | ≤ 1.00 |     0.90 |    met |",
		"| Tell     | time again | ≤ 1.00 |     1.10 | missed |",
		"| Tell     | throughput | ≥ 0.50 |     0.60 |    met |",
	} {
		assert.Contains(t, b.String(), row)
	}
}

func TestFiguresHaveTheDigitsThatMeanSomething(t *testing.T) {
	for figure, want := range map[float64]string{0: "0", 0.0123: "0.012", 0.5: "0.50", 12.34: "12.3", 1234.5: "1234"} {
		assert.Equal(t, want, report.Number(figure))
	}
}
