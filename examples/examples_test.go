package examples_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/troupetest"
)

// examples are the programs whose whole output is known: examples/x prints
// examples/testdata/x.txt, on any machine with four processors.
var examples = []string{"actorapp", "hello", "priority", "quickstart", "resilience", "resize", "shutdown", "timeout"}

// ownTest are the programs with a test of their own.
var ownTest = []string{"checksum", "cluster", "dashboard", "durable", "orders", "thumbnails", "webservice"}

func TestOutput(t *testing.T) {
	troupetest.TimeLimit(t)
	bin := build(t)
	for _, name := range examples {
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
			require.NoError(t, err)

			var stdout, stderr bytes.Buffer
			program := exec.CommandContext(t.Context(), filepath.Join(bin, name))
			program.Env = append(os.Environ(), "GOMAXPROCS=4")
			program.Stdout, program.Stderr = &stdout, &stderr
			assert.NoError(t, program.Run(), "exit status")
			assert.Equal(t, string(want), stdout.String(), "standard output")
			assert.Empty(t, stderr.String(), "standard error")
		})
	}
}

func TestEveryExampleIsTested(t *testing.T) {
	found, err := filepath.Glob("*/main.go")
	require.NoError(t, err)
	for _, path := range found {
		name := filepath.Dir(path)
		assert.True(t, slices.Contains(examples, name) || slices.Contains(ownTest, name), "%s is run by no test", name)
	}
}

// build builds the examples and returns the directory they are in.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	if underRace() {
		args = append(args, "-race")
	}
	for _, name := range examples {
		args = append(args, "./"+name)
	}
	out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput()
	require.NoError(t, err, "go build: %s", out)
	return dir
}

// underRace reports whether the test was built with -race: then the examples are,
// too.
func underRace() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
