package dashboard_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/dashboard"
)

// show makes a dashboard that is closed at the end of the test.
func show(t *testing.T, system *actor.ActorSystem, opts ...dashboard.Option) *dashboard.Dashboard {
	t.Helper()
	d := dashboard.New(system, opts...)
	t.Cleanup(d.Close)
	return d
}

// get asks the dashboard.
func get(d http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// answer asks the dashboard and decodes what it says.
func answer[T any](t *testing.T, d http.Handler, path string) (said T) {
	t.Helper()
	w := get(d, path)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &said), w.Body)
	return said
}

// post gives the dashboard an order. header has names and values by turns.
func post(d http.Handler, what, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://example.com/troupe/"+what, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

type (
	frame struct {
		At       int64
		Controls bool
		Pools    []pool
		Queues   []queue
	}
	pool struct {
		Label, State, Level string
		Alerts              []alert
		Quarantine          bool
		Size, Busy          int
		Ledger              map[string]int64
		Rejected            int64
		Rejections          map[string]int64
		Capacity            int
		Throughput          float64
		Custom              map[string]int64
		Point               []*float64
	}
	alert   struct{ Level, Text, Page, Find string }
	history struct{ Points [][]*float64 }
	workers struct {
		Total, Found int
		Workers      []struct {
			ID, Name, State, Task string
			Elapsed               float64
			Long                  bool
			Failed                int64
		}
	}
	tasks struct {
		Total, Found int
		Tasks        []struct {
			Number                                          int64
			ID, Key, Payload, Worker, Outcome, Error, Stack string
			Attempts                                        int
			Again                                           bool
			Wait, Run                                       float64
			Stacks                                          []string
		}
	}
)

// A stream reads the frames that a dashboard sends.
type stream struct {
	lines *bufio.Scanner
	end   func()
}

// follow opens a stream. It is to be ended.
func follow(t *testing.T, d http.Handler) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	in, out := io.Pipe()
	over := make(chan struct{})
	go func() {
		defer close(over)
		d.ServeHTTP(&pipe{header: make(http.Header), PipeWriter: out}, httptest.NewRequest(http.MethodGet, "/events", nil).WithContext(ctx))
		_ = out.Close()
	}()
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	return &stream{lines: lines, end: func() {
		cancel()
		_ = in.Close()
		<-over
	}}
}

// pipe is a ResponseWriter that blocks until what is written is read.
type pipe struct {
	header http.Header
	*io.PipeWriter
}

func (p *pipe) Header() http.Header { return p.header }
func (p *pipe) WriteHeader(int)     {}
func (p *pipe) Flush()              {}

// next is the next frame; ok is false if the stream has ended.
func (s *stream) next(t *testing.T) (f frame, ok bool) {
	t.Helper()
	for s.lines.Scan() {
		if data, found := strings.CutPrefix(s.lines.Text(), "data: "); found {
			require.NoError(t, json.Unmarshal([]byte(data), &f))
			return f, true
		}
	}
	return f, false
}

// now is what the dashboard shows now.
func now(t *testing.T, d http.Handler) frame {
	t.Helper()
	s := follow(t, d)
	defer s.end()
	f, ok := s.next(t)
	require.True(t, ok)
	return f
}

// texts are those of the alerts.
func (p pool) texts() []string {
	list := make([]string, len(p.Alerts))
	for i, a := range p.Alerts {
		list[i] = a.Level + ": " + a.Text
	}
	return list
}

func nothing(context.Context, int) (int, error) { return 0, nil }

func assertRefused(t *testing.T, w *httptest.ResponseRecorder, status int, text string) {
	t.Helper()
	assert.Equal(t, status, w.Code, w.Body)
	assert.Contains(t, w.Body.String(), text)
}
