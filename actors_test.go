// Package troupe_test has the end-to-end contracts of Troupe.
package troupe_test

import (
	"testing"

	"go.uber.org/goleak"

	_ "github.com/troupe-go/troupe/actors"
	_ "github.com/troupe-go/troupe/dashboard"
	_ "github.com/troupe-go/troupe/telemetry"
)

// TestMain looks for goroutines before any test has run, which only an import could
// have started, and after all of them.
func TestMain(m *testing.M) {
	if err := goleak.Find(); err != nil {
		panic("an import starts goroutines: " + err.Error())
	}
	goleak.VerifyTestMain(m)
}
