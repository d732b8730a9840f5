//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/troupetest"
)

// An interrupt finishes what is in hand and drops the rest: to the file.
func TestInterrupt(t *testing.T) {
	for name, test := range map[string]struct {
		args  []string
		files int
		want  string
	}{
		"queued files":       {[]string{"-workers", "2"}, 10, "interrupted: 8 queued files dropped\n"},
		"round-robin":        {[]string{"-workers", "2", "-dispatch", "round-robin"}, 10, "interrupted: 8 queued files dropped\n"},
		"nothing queued":     {[]string{"-workers", "2"}, 2, "interrupted: 0 queued files dropped\n"},
		"more than can wait": {[]string{"-workers", "2"}, 2 * window, "interrupted: 1024 queued files dropped, the rest not looked for\n"},
	} {
		t.Run(name, func(t *testing.T) {
			inTree(t, "f")
			args := append(test.args, slices.Repeat([]string{"f"}, test.files)...)
			want := strings.Repeat("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  f\n", 2)
			troupetest.TimeLimit(t)
			synctest.Test(t, func(t *testing.T) {
				ctx, interrupt := context.WithCancel(t.Context())
				release := make(chan struct{})
				var opened atomic.Int64
				open := func(name string) (io.ReadCloser, error) {
					opened.Add(1)
					<-release
					return content("abc")(name)
				}
				var stdout, stderr bytes.Buffer
				ended := make(chan int)
				go func() { ended <- run(ctx, args, &stdout, &stderr, open) }()

				synctest.Wait()
				interrupt()
				synctest.Wait()
				assert.Equal(t, "checksum: finishing what is running; interrupt again to end at once\n", stderr.String())
				close(release)
				assert.Equal(t, 130, <-ended)
				assert.Equal(t, want, stdout.String())
				assert.Contains(t, stderr.String(), test.want)
				assert.Contains(t, stderr.String(), "checksum: 2 files, 6 bytes in ")
				assert.EqualValues(t, 2, opened.Load(), "nothing was begun after the interrupt")
			})
		})
	}
}

func TestSignal(t *testing.T) {
	troupetest.TimeLimit(t)
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			p := startSlow(t, signal)
			require.NoError(t, p.stdin.Close())
			rest, err := io.ReadAll(p.stderr)
			require.NoError(t, err)
			require.Error(t, p.cmd.Wait())
			assert.Equal(t, 130, p.cmd.ProcessState.ExitCode())
			assert.Equal(t, 2, strings.Count(p.stdout.String(), "\n"), p.stdout.String())
			assert.Contains(t, string(rest), "checksum: interrupted: ")
			assert.Contains(t, string(rest), "checksum: 2 files, ")
		})
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	troupetest.TimeLimit(t)
	p := startSlow(t, syscall.SIGINT)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	require.Error(t, p.cmd.Wait())
	status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	assert.True(t, status.Signaled() && status.Signal() == syscall.SIGTERM, p.cmd.ProcessState)
	assert.Empty(t, p.stdout.String())
}

type slow struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout *bytes.Buffer
	stderr *bufio.Reader
}

// startSlow returns a process that has two files in hand and has noticed the
// signal. They end when its standard input does.
func startSlow(t *testing.T, signal syscall.Signal) slow {
	inTree(t, "a", "b", "c", "d")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-workers", "2", ".")
	cmd.Env = append(os.Environ(), role+"=slow")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	p := slow{cmd, stdin, new(bytes.Buffer), bufio.NewReader(stderr)}
	cmd.Stdout = p.stdout
	require.NoError(t, cmd.Start())

	opened := []string{p.readLine(t), p.readLine(t)}
	assert.ElementsMatch(t, []string{"opened ./a\n", "opened ./b\n"}, opened)
	require.NoError(t, cmd.Process.Signal(signal))
	assert.Contains(t, p.readLine(t), "finishing what is running")
	return p
}

func (p *slow) readLine(t *testing.T) string {
	t.Helper()
	line, err := p.stderr.ReadString('\n')
	require.NoError(t, err)
	return line
}
