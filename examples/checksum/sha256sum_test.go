package main

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// odd are names that are hard to print, in the order of the walk.
var odd = []string{
	"./\x01control",
	"./ leading space",
	"./$HOME `id`",
	"./--help",
	"./-n",
	"./Upper",
	"./\\",
	"./a\tb",
	"./a\nb",
	"./a\rb",
	"./a b",
	"./a*b?[c]",
	"./back\\nslash",
	"./back\\slash",
	"./deep/1/2/3/4/5/6/7/8/9/bottom",
	"./deep/1/2/3/beside",
	"./deep.file", // after deep/: the order is that of each directory's names
	"./empty",
	"./new\nline dir/back\\slash dir/file",
	"./quote'\"",
	"./trailing\n",
	"./zß",
	"./z水",
	"./z\U0001f3ad",
	"./\xff\xfe invalid",
}

func TestLinesAreThoseOfSha256sum(t *testing.T) {
	needGNU(t, "sha256sum")
	inTree(t, odd...)
	want, err := exec.Command("sha256sum", append([]string{"--"}, odd...)...).Output()
	require.NoError(t, err)

	for _, args := range [][]string{
		{"."},
		{"-workers", "1", "."},
		{"-workers", "16", "."},
		{"-workers", "3", "-dispatch", "round-robin", "."},
		{"-dispatch", "least-busy", "--", "."},
		append([]string{"--"}, odd...),
	} {
		t.Run(strings.Join(args[:min(len(args), 4)], " "), func(t *testing.T) {
			got := checksum(t, args...)
			assert.Equal(t, string(want), got.stdout)
			assert.Equal(t, 0, got.status, got.stderr)
		})
	}
}

// The names are find's, however the user writes a path.
func TestNamesAreThoseOfFind(t *testing.T) {
	needGNU(t, "find")
	needGNU(t, "sha256sum")
	inTree(t, "dir/a", "dir/sub/b", "dir/sub/c", "dir/-", "other")
	cwd, err := os.Getwd()
	require.NoError(t, err)
	require.NoError(t, os.Symlink("dir", "link"))
	require.NoError(t, os.Symlink("../other", "dir/link"))
	require.NoError(t, os.Symlink(".", "dir/loop"))
	require.NoError(t, os.Symlink("nowhere", "dir/dangling"))

	for _, paths := range [][]string{
		{"."},
		{"./"},
		{".//"},
		{"dir"},
		{"dir/"},
		{"dir//"},
		{"./dir/../dir"},
		{"../" + cwd[strings.LastIndex(cwd, "/")+1:]},
		{cwd},
		{"other"},
		{"./other", "dir/sub", "other"}, // twice is twice
		{"link"},                        // nothing
		{"link/"},
		{"link", "dir/link", "other"},
		{"/dev/null", "other"},
	} {
		t.Run(strings.Join(paths, " "), func(t *testing.T) {
			find := exec.Command("find", append(slices.Clone(paths), "-type", "f", "-exec", "sha256sum", "{}", "+")...)
			want, err := find.Output()
			require.NoError(t, err)
			got := checksum(t, paths...)
			assert.Equal(t, sorted(string(want)), sorted(got.stdout))
			assert.Equal(t, 0, got.status, got.stderr)
		})
	}
}

// find lists a directory in the order of the file system.
func sorted(lines string) []string {
	return slices.Sorted(strings.Lines(lines))
}

// needGNU skips a test where the original is not at hand.
func needGNU(t *testing.T, program string) {
	t.Helper()
	version, _ := exec.Command(program, "--version").Output()
	if !bytes.Contains(version, []byte("GNU")) {
		t.Skip("no GNU " + program)
	}
}
