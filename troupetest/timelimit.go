package troupetest

import (
	"testing"

	"github.com/troupe-go/troupe/internal/timelimit"
)

// TimeLimit ends the process if the test still runs after three minutes, and prints the
// stacks of all goroutines. If -timeout is longer than the default of go test, the limit is
// half of it; with -timeout 0 there is no limit. In a bubble of testing/synctest time is
// virtual: call TimeLimit outside.
func TimeLimit(t testing.TB) {
	t.Helper()
	timelimit.Set(t)
}
