package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/examples/internal/output"
	"github.com/troupe-go/troupe/troupetest"
)

// program is a run of the program in the test's process.
type program struct {
	addr, url string
	interrupt context.CancelFunc
	ended     chan error
	log       output.Buffer
}

func startProgram(t *testing.T, work actors.Handler[job, picture], grace time.Duration) *program {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "localhost:0")
	require.NoError(t, err)
	ctx, interrupt := context.WithCancel(t.Context())
	addr := listener.Addr().String()
	p := &program{addr: addr, url: "http://" + addr, interrupt: interrupt, ended: make(chan error, 1)}
	go func() { p.ended <- run(ctx, listener, work, grace, &p.log) }()
	return p
}

// An answer is the response to a request, or the error of the client.
type answer struct {
	code int
	body string
	err  error
}

func (p *program) post(t *testing.T) <-chan answer {
	body := encoded(t, "png", 20, 20)
	answers := make(chan answer, 1)
	go func() {
		code, body, err := post(t.Context(), p.url, body)
		answers <- answer{code, body, err}
	}()
	return answers
}

func TestAShutdownFinishesRunningRequestsAndRefusesNewOnes(t *testing.T) {
	troupetest.TimeLimit(t)
	started, release := make(chan struct{}), make(chan struct{})
	p := startProgram(t, func(context.Context, job) (picture, error) {
		close(started)
		<-release
		return picture{contentType: "text/plain", data: []byte("done")}, nil
	}, time.Hour)
	running := p.post(t)
	<-started
	stream, err := http.Get(p.url + "/troupe/events")
	require.NoError(t, err)

	p.interrupt()
	require.Eventually(t, func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", p.addr)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	}, time.Minute, time.Millisecond)
	_, err = io.Copy(io.Discard, stream.Body)
	assert.NoError(t, err, "the dashboard ends its stream")
	require.NoError(t, stream.Body.Close())
	assert.Empty(t, running)
	assert.Empty(t, p.ended)

	close(release)
	assert.Equal(t, answer{code: http.StatusOK, body: "done"}, <-running)
	require.NoError(t, <-p.ended)
	assert.Contains(t, p.log.String(), `msg="the pool has stopped" finished=0 canceled=0 dropped=0 abandoned=[]`)
	http.DefaultClient.CloseIdleConnections()
}

func TestAShutdownOutOfTimeCancelsTasksAndAnswers503(t *testing.T) {
	troupetest.TimeLimit(t)
	started := make(chan struct{})
	p := startProgram(t, func(ctx context.Context, _ job) (picture, error) {
		close(started)
		<-ctx.Done()
		return picture{}, context.Cause(ctx)
	}, time.Millisecond)
	running := p.post(t)
	<-started
	p.interrupt()
	assert.Equal(t, answer{code: http.StatusServiceUnavailable, body: "Service Unavailable\n"}, <-running)
	assert.ErrorIs(t, <-p.ended, context.DeadlineExceeded)
	assert.Contains(t, p.log.String(), `msg="the pool has stopped" finished=0 canceled=1 dropped=0`)
}

func TestAPanicIsLoggedWithItsStack(t *testing.T) {
	troupetest.TimeLimit(t)
	p := startProgram(t, func(context.Context, job) (picture, error) { panic("no such pixel") }, time.Hour)
	assert.Equal(t, http.StatusInternalServerError, (<-p.post(t)).code)
	p.interrupt()
	require.NoError(t, <-p.ended)
	assert.Contains(t, p.log.String(), "no such pixel")
	assert.Contains(t, p.log.String(), "shutdown_test.go")
}

func TestAServerThatFailsEndsTheProgram(t *testing.T) {
	troupetest.TimeLimit(t)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "localhost:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	assert.ErrorIs(t, run(t.Context(), listener, thumbnail, time.Hour, io.Discard), net.ErrClosed)
}
