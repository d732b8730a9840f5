//go:build linux

package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wiped is how the bar is taken off its line.
const wiped = "\x1b[2K\r"

func TestBarOnATerminal(t *testing.T) {
	inTree(t, "tree/a", "tree/b", "tree/dir/c")
	want := checksum(t, "tree", "gone").stdout
	for name, test := range map[string]struct {
		command string
		want    []string // above the summary
	}{
		"both":            {os.Args[0] + " tree gone", append(lines(want), "checksum: gone: no such file or directory\n")},
		"standard error":  {os.Args[0] + " tree gone >sums", []string{"checksum: gone: no such file or directory\n"}},
		"standard output": {os.Args[0] + " tree gone 2>log", lines(want)},
	} {
		t.Run(name, func(t *testing.T) {
			typed, shown := onTerminal(t, test.command)
			if name == "standard output" {
				assert.NotContains(t, typed, "hashing")
			} else {
				assert.Contains(t, typed, "hashing")
				require.Greater(t, len(shown), 2)
				assert.Contains(t, shown[len(shown)-1], "checksum: run time mean")
				shown = shown[:len(shown)-2]
			}
			assert.Equal(t, test.want, shown)
		})
	}
	sums, err := os.ReadFile("sums")
	require.NoError(t, err)
	assert.Equal(t, want, string(sums), "no bar in what is not a terminal")
	log, err := os.ReadFile("log")
	require.NoError(t, err)
	assert.NotContains(t, string(log), "hashing")
}

// onTerminal runs a command as a checksum, and returns what it wrote to the
// terminal and the lines that stay there.
func onTerminal(t *testing.T, command string) (typed string, shown []string) {
	t.Helper()
	script, err := exec.LookPath("script")
	if err != nil {
		t.Skip("no script")
	}
	cmd := exec.CommandContext(t.Context(), script, "-qec", command, os.DevNull)
	cmd.Env = append(os.Environ(), role+"=main")
	out, err := cmd.Output()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 1, exit.ExitCode())
	typed = strings.ReplaceAll(string(out), "\r\n", "\n")
	for line := range strings.Lines(typed) {
		if i := strings.LastIndex(line, wiped); i >= 0 {
			line = line[i+len(wiped):]
		}
		shown = append(shown, line)
	}
	return typed, shown
}

func lines(s string) []string { return slices.Collect(strings.Lines(s)) }
