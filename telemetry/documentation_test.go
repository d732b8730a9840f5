package telemetry_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
)

func TestTheDocumentationHasEachMetric(t *testing.T) {
	timelimit.Set(t)
	text, err := os.ReadFile("../docs/observability.md")
	require.NoError(t, err)
	system := pooltest.System()
	_, err = pooltest.Open(t, system.Root, act).Ask(t.Context(), "well")
	require.NoError(t, err)
	all, err := registry(t, system).Gather()
	require.NoError(t, err)
	there := make(map[string]bool)
	for _, family := range all {
		there[family.GetName()] = true
		assert.Contains(t, string(text), "| `"+family.GetName()+"` |")
	}
	for _, name := range regexp.MustCompile(`\btroupe_\w+`).FindAllString(string(text), -1) {
		assert.True(t, there[name], name)
	}
}
