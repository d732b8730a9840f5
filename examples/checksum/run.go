package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
)

// window is how many files may wait while a large file delays the lines of those behind it.
const window = 1024

// The exit statuses.
const (
	ok          = 0
	failed      = 1
	misused     = 2
	interrupted = 130
)

type pool = actors.Pool[file, digest]

// run is the program. The end of ctx is an interrupt.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, open func(string) (io.ReadCloser, error)) int {
	settings, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return ok
	case err != nil:
		return misused
	}

	start := time.Now()
	screen := newScreen(stderr)
	system := actor.NewActorSystem(actor.WithLoggerFactory(
		func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
	defer system.Shutdown()
	if settings.dashboard != "" {
		url, stop, err := serveDashboard(ctx, system, settings.dashboard)
		if err != nil {
			fmt.Fprintln(stderr, "checksum: no dashboard:", err)
			return failed
		}
		defer stop()
		fmt.Fprintln(stderr, "checksum: the dashboard is at", url)
	}
	produce := func(context.Context) (*hasher, error) {
		return &hasher{open: open, progress: screen.advance, hash: sha256.New()}, nil
	}
	pool, err := actors.NewPoolOf(system.Root, produce,
		actors.WithName("checksum"),
		actors.WithSize(settings.workers),
		actors.WithDispatch(settings.dispatch),
		actors.WithQueue(window, actors.Block),
	)
	if err != nil {
		fmt.Fprintln(stderr, "checksum:", err)
		return failed
	}

	running, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	p := &printer{out: screen.above(stdout), errs: screen.above(stderr)}
	var helpers sync.WaitGroup
	helpers.Go(func() { screen.survey(running, settings.paths) })
	helpers.Go(func() { finishAfter(ctx, running, pool, p.errs) })
	p.print(ctx, pool, settings)
	end()
	helpers.Wait()
	_, _ = pool.Shutdown(context.Background()) // nothing is left to wait for
	screen.close()

	stats := pool.Stats()
	status := ok
	switch {
	case ctx.Err() != nil:
		status = interrupted
		fmt.Fprint(stderr, dropReport(p.dropped, p.cut))
	case p.complaints > 0:
		status = failed
	}
	fmt.Fprint(stderr, summary(&stats, settings, p.complaints, time.Since(start)))
	return status
}

// finishAfter finishes what the workers have in hand, and drops the rest, if ctx ends before
// running does.
func finishAfter(ctx, running context.Context, pool *pool, errs io.Writer) {
	select {
	case <-running.Done():
		return
	case <-ctx.Done():
	}
	pool.Pause() // no file is begun after the message; Finish returns only when it is all over
	fmt.Fprint(errs, "checksum: finishing what is running; interrupt again to end at once\n")
	_, _ = pool.Finish(context.Background()) // has no time limit, and so no error
}
