package browser_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/dashboard"
	"github.com/troupe-go/troupe/troupetest"
)

// prefix is where the dashboard of a scene is mounted.
const prefix = "/troupe/"

// scene is an actor system with its dashboard, for one test.
type scene struct {
	t      *testing.T
	system *actor.ActorSystem
	view   *dashboard.Dashboard
	url    string
	ended  chan struct{} // closed when handlers that are stuck shall return
}

// play sets a scene. The tests of this package run in parallel: they wait more than they
// work.
func play(t *testing.T, options ...dashboard.Option) *scene {
	t.Helper()
	t.Parallel()
	s := newScene(t, options...)
	mux := http.NewServeMux()
	mux.Handle(prefix, s.view)
	s.url = serve(t, mux).URL + prefix
	return s
}

// newScene sets a scene that nobody serves yet.
func newScene(t *testing.T, options ...dashboard.Option) *scene {
	t.Helper()
	troupetest.TimeLimit(t)
	quiet := func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
	s := &scene{t: t, system: actor.NewActorSystem(actor.WithLoggerFactory(quiet)), ended: make(chan struct{})}
	s.view = dashboard.New(s.system, options...)
	t.Cleanup(func() {
		close(s.ended)
		s.view.Close()
		s.system.Shutdown()
	})
	return s
}

// serve serves a handler on a loopback address, until the test ends.
func serve(t *testing.T, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections() // streams do not end by themselves
		server.Close()
	})
	return server
}

// job is a task: what it shall come to, and what its payload says.
type job struct{ do, note string }

// pool is a pool of jobs.
type pool = actors.Pool[job, string]

// trace is an error that says where it was made, as some libraries have them.
type trace struct{ text string }

func (e *trace) Error() string { return e.text }

func (e *trace) Format(f fmt.State, verb rune) {
	_, _ = f.Write([]byte(e.text))
	if verb == 'v' && f.Flag('+') {
		_, _ = f.Write([]byte("\nmain.brew\n\t/src/kettle.go:42"))
	}
}

// open starts a pool whose handler does what its jobs say.
func (s *scene) open(name string, options ...actors.Option) *pool {
	s.t.Helper()
	handler := func(ctx context.Context, in job) (string, error) {
		switch in.do {
		case "fail":
			return "", errors.New(in.note)
		case "trace":
			return "", &trace{in.note}
		case "panic":
			panic(in.note)
		case "block":
			<-s.ended
		case "sleep":
			time.Sleep(2 * time.Millisecond)
		}
		return in.note, nil
	}
	p, err := actors.NewPool(s.system.Root, handler, append([]actors.Option{actors.WithName(name)}, options...)...)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { p.Close() })
	return p
}

// tell submits a job, by an ID.
func (s *scene) tell(p *pool, id, do, note string) {
	s.t.Helper()
	require.NoError(s.t, p.Tell(context.Background(), job{do: do, note: note}, actors.ID(id)))
}

// keepBusy has a pool do short tasks until the test ends.
func (s *scene) keepBusy(p *pool) {
	ctx, end := context.WithCancel(context.Background())
	var client sync.WaitGroup
	client.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_ = p.Tell(ctx, job{do: "sleep"}) // one that is rejected at the end is no loss
			case <-ctx.Done():
				return
			}
		}
	})
	s.t.Cleanup(func() { end(); client.Wait() })
}

// until waits for a frame that has the text.
func (s *scene) until(text string) {
	s.t.Helper()
	response, err := http.Get(s.url + "events")
	require.NoError(s.t, err)
	defer func() { _ = response.Body.Close() }()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if strings.Contains(lines.Text(), text) {
			return
		}
	}
	s.t.Fatalf("no frame has %s", text)
}

// payload is how the dashboards of these tests show payloads.
func payload(p any) string { return fmt.Sprintf("note: %s", p.(job).note) }

// crashes quarantines tasks that crash once.
func crashes() actors.Option { return actors.WithQuarantine(actors.Quarantine{Crashes: 1}) }
