//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/troupetest"
)

func TestAnInterruptCancelsTheRestAndTheSumHolds(t *testing.T) {
	troupetest.TimeLimit(t)
	const pictures = 1000
	dir := t.TempDir()
	picture := encode(34)
	for i := range pictures {
		require.NoError(t, save(dir, fmt.Sprintf("%03d.jpg", i), picture))
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-workers", "1", dir)
	cmd.Env = append(os.Environ(), role+"=main")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(dir, "thumbnails", "001.jpg"))
		return err == nil
	}, time.Minute, time.Millisecond)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.Error(t, cmd.Wait())
	assert.Equal(t, interrupted, cmd.ProcessState.Sys().(syscall.WaitStatus).ExitStatus())
	assert.Empty(t, stderr.String())

	counts := regexp.MustCompile(`1000 pictures in \S+: (\d+) made, 0 failed, (\d+) canceled, (\d+) not begun\n`).
		FindStringSubmatch(stdout.String())
	require.NotNil(t, counts, stdout.String())
	sum := 0
	for _, count := range counts[1:] {
		n, err := strconv.Atoi(count)
		require.NoError(t, err)
		assert.Positive(t, n)
		sum += n
	}
	assert.Equal(t, pictures, sum)
	assert.Contains(t, stdout.String(), ", 0 left open\n")
	left, err := filepath.Glob(filepath.Join(dir, "thumbnails", ".*"))
	require.NoError(t, err)
	assert.Empty(t, left, "directories for unfinished files")
}
