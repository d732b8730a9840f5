package model_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whatever is done to a pool: what becomes of each task, who hears of it and when, is
// what the documentation says. Each family is checked -rapid.checks times; -rapid.log
// shows the script of a failure that ends the process.
func TestModel(t *testing.T) {
	for _, f := range families() {
		t.Run(f.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				s := f.scripts().Draw(rt, "script")
				if faults, _ := judge(t, s); len(faults) > 0 {
					rt.Fatalf("%s\n\nAs a test:\n\n%#v", strings.Join(faults, "\n"), s)
				}
			})
		})
	}
}

// runScript is the test of one script, pasted as TestModel prints it when it fails.
func runScript(t *testing.T, s script) {
	t.Helper()
	faults, certain := judge(t, s)
	assert.True(t, certain, "two things are due at one instant")
	for _, fault := range faults {
		t.Error(fault)
	}
	_, caller, _, _ := runtime.Caller(1)
	source, err := os.ReadFile(filepath.Base(caller))
	require.NoError(t, err)
	assert.Contains(t, string(source), fmt.Sprintf("%#v", s), "the script as it is printed")
}

// judge carries a script out and says what is wrong. It is not certain of that where
// two things are due at one instant.
func judge(t *testing.T, s script) (faults []string, certain bool) {
	t.Helper()
	seen := carryOut(t, &s)
	if len(seen.faults) > 0 {
		return seen.faults, true
	}
	faults, certain = observe(&s, seen)
	if s.predicted() && certain {
		var want *account
		if want, certain = predict(&s, seen); certain {
			faults = append(faults, seen.differences(want, &s)...)
		}
	}
	return faults, certain
}
