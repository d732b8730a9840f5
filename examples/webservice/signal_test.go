//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/troupetest"
)

func TestASignalFinishesTheRunningRequest(t *testing.T) {
	troupetest.TimeLimit(t)
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			p := startUpload(t, signal)
			_, err := p.conn.Write(p.rest)
			require.NoError(t, err)
			response, err := http.ReadResponse(p.answer, nil)
			require.NoError(t, err)
			assert.Equal(t, http.StatusOK, response.StatusCode)
			require.NoError(t, response.Body.Close())
			_, err = io.Copy(io.Discard, p.log)
			require.NoError(t, err)
			assert.NoError(t, p.cmd.Wait(), "exit status")
		})
	}
}

func TestASecondSignalEndsTheProgramAtOnce(t *testing.T) {
	troupetest.TimeLimit(t)
	p := startUpload(t, syscall.SIGTERM)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	_, err := io.Copy(io.Discard, p.log)
	require.NoError(t, err)
	require.Error(t, p.cmd.Wait())
	status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	assert.True(t, status.Signaled() && status.Signal() == syscall.SIGTERM, p.cmd.ProcessState)
}

// upload is a process that has received half of a request and then a signal.
type upload struct {
	cmd    *exec.Cmd
	log    *bufio.Reader
	conn   net.Conn
	answer *bufio.Reader
	rest   []byte // the other half
}

func startUpload(t *testing.T, signal syscall.Signal) *upload {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-addr", "localhost:0")
	cmd.Env = append(os.Environ(), role+"=main")
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	p := &upload{cmd: cmd, log: bufio.NewReader(stderr)}
	addr := regexp.MustCompile(`http://(\S+)`).FindStringSubmatch(p.logLine(t))
	require.NotNil(t, addr)

	p.conn, err = new(net.Dialer).DialContext(t.Context(), "tcp", addr[1])
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.conn.Close() })
	p.answer = bufio.NewReader(p.conn)
	body := encoded(t, "png", 20, 20)
	_, err = fmt.Fprintf(p.conn, "POST /thumbnail?width=10 HTTP/1.1\r\nHost: localhost\r\n"+
		"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:len(body)/2])
	require.NoError(t, err)
	p.rest = body[len(body)/2:]
	response, err := http.ReadResponse(p.answer, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusContinue, response.StatusCode, "the service reads the body")
	require.NoError(t, response.Body.Close())

	require.NoError(t, cmd.Process.Signal(signal))
	assert.Contains(t, p.logLine(t), "finishing the running requests")
	return p
}

func (p *upload) logLine(t *testing.T) string {
	t.Helper()
	line, err := p.log.ReadString('\n')
	require.NoError(t, err)
	return line
}
