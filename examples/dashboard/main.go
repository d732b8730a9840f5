// Dashboard runs three pools under a made-up load and shows them in a browser, until it
// is interrupted:
//
//	go run ./examples/dashboard [-addr host:port]
//
// What to look at, on the page that it names:
//
//   - "thumbnails" does short tasks, with a burst every twenty seconds: see the queue fill
//     and drain, and its waiting times. A few images crash their workers: they are tried
//     again, and end up in the quarantine, from where they can be submitted again.
//   - "mail" has failures that come and go. What fails is tried again, with delays.
//   - "reports" does few and long tasks. After a while one of them gets stuck, and ignores
//     that its time is up: the overview says which worker has it in hand.
//
// main.go mounts the dashboard; load.go is the rest. The buttons work, for the address is
// one that only this machine reaches.
package main

import (
	"context"
	"errors"
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

	"github.com/troupe-go/troupe/dashboard"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "dashboard:", err)
		os.Exit(1)
	}
}

// run serves the dashboard until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("dashboard", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "localhost:8080", "the `host:port` to serve the dashboard on")
	if err := flags.Parse(args); err != nil {
		return err
	}

	quiet := func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
	system := actor.NewActorSystem(actor.WithLoggerFactory(quiet))
	defer system.Shutdown()

	view := dashboard.New(system, dashboard.WithControls(), dashboard.WithPayload(describe))
	defer view.Close()
	mux := http.NewServeMux()
	mux.Handle("/troupe/", view)
	mux.Handle("/{$}", http.RedirectHandler("/troupe/", http.StatusFound))

	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Fprintf(stdout, "the dashboard is at http://%s/troupe/\n", listener.Addr())

	stop, err := load(system)
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-served:
		}
		stop()
	}
	_ = server.Close() // the streams to browsers would not end by themselves
	return err
}
