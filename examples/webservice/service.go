package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/dashboard"
	"github.com/troupe-go/troupe/telemetry"
)

// maxBody limits the size of an upload. With the length of the queue, it limits the memory
// that waiting tasks take.
const maxBody = 10 << 20

// service answers requests with the work of a pool.
type service struct {
	pool    *actors.Pool[job, picture]
	metrics http.Handler
	view    *dashboard.Dashboard
}

// newService starts a pool with the given handler. The options come after those of the
// service and override them.
func newService(system *actor.ActorSystem, logger *slog.Logger, work actors.Handler[job, picture], opts ...actors.Option) (*service, error) {
	collector, err := telemetry.NewCollector(system)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	pool, err := actors.NewPool(system.Root, work, append([]actors.Option{
		actors.WithName("thumbnails"),
		actors.WithSize(actors.SizeCPU()),
		actors.WithQueue(32, actors.Reject),
		actors.WithTaskTimeout(10 * time.Second),
		actors.WithLogger(logger),
	}, opts...)...)
	if err != nil {
		return nil, err
	}
	return &service{
		pool:    pool,
		metrics: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
		view:    dashboard.New(system),
	}, nil
}

func (s *service) close() {
	s.view.Close()
	s.pool.Close() // a no-op after a shutdown
}

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /thumbnail", s.serveThumbnail)
	mux.HandleFunc("POST /sizes", s.serveSizes)
	mux.HandleFunc("POST /album", s.serveAlbum)
	mux.HandleFunc("GET /healthz", s.serveHealth)
	mux.Handle("GET /metrics", s.metrics)
	mux.Handle("/troupe/", s.view)
	return mux
}

// serveThumbnail answers with the picture in the request's body, scaled down.
func (s *service) serveThumbnail(w http.ResponseWriter, r *http.Request) {
	body := http.MaxBytesReader(w, r.Body, maxBody)
	small, err := s.scale(r.Context(), body, r.URL.Query().Get("width"))
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", small.contentType)
	_, _ = w.Write(small.data) // fails only if the client has gone away
}

// scale reads a picture and has the pool scale it. The task is canceled when ctx ends.
func (s *service) scale(ctx context.Context, body io.Reader, width string) (picture, error) {
	data, err := io.ReadAll(body)
	if err != nil {
		return picture{}, fmt.Errorf("%w: %w", errInput, err)
	}
	j, err := newJob(data, width)
	if err != nil {
		return picture{}, err
	}
	return s.pool.Ask(ctx, j)
}

// serveHealth reports whether the pool has workers. It has none when it has stopped.
func (s *service) serveHealth(w http.ResponseWriter, _ *http.Request) {
	if s.pool.Load().Size == 0 {
		http.Error(w, "the pool has no workers", http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}
