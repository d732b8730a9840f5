// Webservice is an HTTP service that scales pictures down, with a pool of workers behind
// it. Run it, with -addr for another address than localhost:8080 and -grace for another
// time limit of its shutdown:
//
//	go run ./examples/webservice
//
// Try it from a second terminal:
//
//	curl --data-binary @docs/dashboard-overview-light.png -o small.png 'localhost:8080/thumbnail?width=200'
//	curl --data-binary @docs/dashboard-overview-light.png 'localhost:8080/sizes?width=50&width=100&width=200' | cut -c -100
//	curl -N -F a=@docs/dashboard-overview-light.png -F b=@README.md 'localhost:8080/album?width=50' | cut -c -100
//	curl -i --data-binary 'not a picture' 'localhost:8080/thumbnail?width=200'
//	curl -i localhost:8080/healthz
//	curl -s localhost:8080/metrics | grep ^troupe_tasks_settled
//
// Cause an overload and count the status codes. The dashboard at
// http://localhost:8080/troupe/ shows the queue meanwhile:
//
//	seq 1000 | xargs -P 200 -I{} curl -s -o /dev/null -w '%{http_code}\n' \
//		--data-binary @docs/dashboard-overview-light.png 'localhost:8080/thumbnail?width=200' | sort | uniq -c
//
// What to look at:
//
//   - service.go makes the pool. Its queue is short and rejects what it has no room for,
//     so that an overloaded service answers 503 at once instead of letting clients wait.
//   - service.go passes the request's context to Ask: when a client goes away, its task is
//     canceled, queued or running. thumbnail.go checks the context while it computes.
//   - many.go answers with several pictures. /sizes scales one picture to many widths in a
//     group with FailFast and MaxInFlight. /album scales many pictures and streams the answers
//     of Each, a line of JSON for each as soon as it is there. Both are bound to the request's
//     context as well.
//   - errors.go maps the errors of the pool to status codes. A panic is an error like any
//     other: its client gets 500, its stack is in the log, and the service goes on.
//   - shutdown.go ends the program on SIGINT or SIGTERM: first the server, then the pool. A
//     second signal ends the program at once.
//
// Metrics, health and the dashboard are served beside the service to keep the example
// short. On a public address, serve them on a second one that only operators can reach.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/telemetry"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "the `host:port` to serve on")
	grace := flag.Duration("grace", 20*time.Second, "how long a shutdown waits for running requests")
	flag.Parse()

	ctx := untilSignal()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *addr)
	if err == nil {
		err = run(ctx, listener, thumbnail, *grace, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "webservice:", err)
		os.Exit(1)
	}
}

// untilSignal returns a context that ends with the first SIGINT or SIGTERM. From then on,
// signals have their usual effect: the second one ends the program at once.
func untilSignal() context.Context {
	signaled, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, end := context.WithCancel(context.Background())
	context.AfterFunc(signaled, func() {
		stop()
		end()
	})
	return ctx
}

// run serves on the listener until ctx ends, and then shuts down. The pool calls work for
// each picture.
func run(ctx context.Context, listener net.Listener, work actors.Handler[job, picture], grace time.Duration, stderr io.Writer) error {
	logger := newLogger(stderr, slog.LevelInfo)
	warnings := newLogger(stderr, slog.LevelWarn) // below that level, Proto.Actor logs its start and all its dead letters
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return warnings }))
	defer system.Shutdown()

	stopLog, err := telemetry.Log(system, logger)
	if err != nil {
		return err
	}
	defer stopLog()
	service, err := newService(system, logger, work)
	if err != nil {
		return err
	}
	defer service.close()

	server := &http.Server{
		Handler:           service.routes(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute, // longer than an upload and the timeout of its task
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(service.view.Close) // ends the streams to browsers
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	logger.Info("serving", "url", "http://"+listener.Addr().String())

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	logger.Info("finishing the running requests; a second signal ends the program at once", "limit", grace)
	return shutdown(context.WithoutCancel(ctx), grace, server, service.pool, logger)
}

func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
