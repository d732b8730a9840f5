package telemetry_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
)

func TestGrafanasDashboardAsksForMetricsThatThereAre(t *testing.T) {
	timelimit.Set(t)
	text, err := os.ReadFile("../docs/grafana.json")
	require.NoError(t, err)
	var dashboard struct {
		Templating struct {
			List []struct{ Name, Type string }
		}
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	require.Len(t, dashboard.Templating.List, 2)
	assert.Equal(t, "datasource", dashboard.Templating.List[0].Type)
	assert.Equal(t, "pool", dashboard.Templating.List[1].Name)

	system := pooltest.System()
	_, err = pooltest.Open(t, system.Root, act).Ask(t.Context(), "well")
	require.NoError(t, err)
	there, err := registry(t, system).Gather()
	require.NoError(t, err)
	unasked := make(map[string]bool)
	for _, family := range there {
		unasked[family.GetName()] = true
	}
	exported := func(name string) (string, bool) {
		for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
			if base, ok := strings.CutSuffix(name, suffix); ok {
				if _, known := unasked[base]; known {
					return base, true
				}
			}
		}
		return "", false
	}
	name := regexp.MustCompile(`troupe_\w+`)
	ids := make(map[int]bool)
	for _, panel := range dashboard.Panels {
		assert.False(t, ids[panel.ID], "%s: a panel's ID is its own", panel.Title)
		ids[panel.ID] = true
		for _, target := range panel.Targets {
			assert.Contains(t, target.Expr, `pool=~"$pool"`, panel.Title)
			for _, asked := range name.FindAllString(target.Expr, -1) {
				family, ok := exported(asked)
				assert.True(t, ok, "%s asks for %s", panel.Title, asked)
				unasked[family] = false
			}
		}
	}
	for family, left := range unasked {
		assert.False(t, left, "nobody asks for %s", family)
	}
}
