package differential_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/timelimit"
)

// reasons are why the differences are intended, by their keys in the list. Each is the
// beginning of an item in docs/actors.md.
func reasons() map[string]string {
	return map[string]string{
		"told":     "Senders are told when a message fails.",
		"answer":   "A foreign routee must answer.",
		"once":     "Only the first answer counts.",
		"address":  "Foreign routees see another sender.",
		"origin":   "Management messages are answered by the pool.",
		"cut":      "Stop cancels what foreign routees have in hand.",
		"bounded":  "The queue is bounded.",
		"restarts": "Restarts have no limit by default.",
		"strategy": "The supervision strategy applies to the workers.",
		"replaced": "A worker that stops is replaced.",
		"gone":     "Actors that stop leave a group.",
		"kept":     "A removed actor goes on.",
		"last":     "A pool of your own actors is never empty.",
		"empty":    "A pool without routees rejects messages.",
		"resize":   "AdjustPoolSize changes the size.",
		"batches":  "The messages of a batch are dispatched one by one.",
		"keyless":  "Messages without a key are dispatched.",
		"moved":    "A worker's queue belongs to the pool.",
		"drain":    "Poison runs all accepted messages.",
		"blocking": "Stopping a pool never blocks.",
		"stopped":  "A stopped pool is like any stopped actor.",
		"parent":   "A pool ends with its parent.",
		"exit":     "A worker survives runtime.Goexit.",
		"unasked":  "GetRoutees without a sender is ignored.",
	}
}

func TestEveryDifferenceHasAReason(t *testing.T) {
	timelimit.Set(t)
	all, used := reasons(), make(map[string]bool)
	for _, d := range readList(t) {
		require.NotEmpty(t, d.reasons, "%s: %s", d.scenario, d.who)
		for _, key := range d.reasons {
			assert.Contains(t, all, key, "%s: %s", d.scenario, d.who)
			used[key] = true
		}
	}
	for key := range all {
		assert.True(t, used[key], "no difference has the reason %q", key)
	}
}

func TestDocsListTheReasons(t *testing.T) {
	timelimit.Set(t)
	page, err := os.ReadFile("../../docs/actors.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "### Intended differences\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n#")
	var listed []string
	for _, item := range regexp.MustCompile(`(?m)^\* \*\*(.+?)\*\*`).FindAllStringSubmatch(section, -1) {
		listed = append(listed, strings.ReplaceAll(item[1], "`", ""))
	}
	assert.ElementsMatch(t, slices.Collect(maps.Values(reasons())), listed)
}
