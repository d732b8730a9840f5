package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/internal/leaks"
)

// role is the environment variable that makes the test binary a checksum.
const role = "CHECKSUM_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "main":
		main()
	case "slow": // says which files it opens, and has them end when its input does
		os.Exit(run(interruptible(), os.Args[1:], os.Stdout, os.Stderr,
			func(name string) (io.ReadCloser, error) {
				_, _ = os.Stderr.WriteString("opened " + name + "\n")
				return io.NopCloser(os.Stdin), nil
			}))
	}
	leaks.VerifyTestMain(m)
}

// ran is what a run left behind.
type ran struct {
	status         int
	stdout, stderr string
}

func checksum(t *testing.T, args ...string) ran {
	t.Helper()
	return checksumOpening(t, openFile, args...)
}

func checksumOpening(t *testing.T, open func(string) (io.ReadCloser, error), args ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), args, &stdout, &stderr, open)
	return ran{status, stdout.String(), stderr.String()}
}

// inTree makes a directory with files of the given names, each with its name as
// content unless that ends in "empty", and makes it the working directory.
func inTree(t *testing.T, names ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, name := range names {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		content := name
		if strings.HasSuffix(name, "empty") {
			content = ""
		}
		require.NoError(t, os.WriteFile(name, []byte(content), 0o644))
	}
}

// content opens files of the given content, whatever their names.
func content(s string) func(string) (io.ReadCloser, error) {
	return func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil }
}
