package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
)

// window is how many files may be ahead of the one whose line is due. It is large
// so that the workers have something to do while a large file holds up the lines
// of those behind it.
const window = 1024

// The exit statuses.
const (
	ok          = 0
	failed      = 1
	misused     = 2
	interrupted = 130
)

// file is a file on its way: the pool's payload, and where its answer is found.
type file struct {
	name  string
	begun atomic.Bool // a worker has begun it
	sum   *actors.Future[digest]
	err   error // why there is no sum to come
}

type pool = actors.Pool[*file, digest]

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
	pool, err := actors.NewPool(system.Root, newHasher(open, screen.advance).sum,
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
	stop := func() { // whoever sees the end of running finds that nothing more is begun
		pool.Pause()
		end()
	}
	defer context.AfterFunc(ctx, stop)()

	var helpers sync.WaitGroup
	helpers.Go(func() { screen.survey(running, settings.paths) })
	files := make(chan *file, window)
	var walked bool // to the end; written before files is closed
	helpers.Go(func() {
		defer close(files)
		walked = submit(running, pool, settings.paths, files)
	})

	p := newPrinter(screen.above(stdout), screen.above(stderr), stop)
	p.print(running, files)
	end()
	helpers.Wait()
	_, _ = pool.Shutdown(context.Background()) // nothing is left to wait for
	screen.close()

	stats := pool.Stats()
	status := ok
	switch {
	case ctx.Err() != nil:
		status = interrupted
		fmt.Fprint(stderr, dropReport(p.dropped, walked))
	case p.complaints > 0:
		status = failed
	}
	fmt.Fprint(stderr, summary(&stats, settings, p.complaints, time.Since(start)))
	return status
}

// submit gives the pool every file below the paths, and files each of them in the
// same order. It breaks off when ctx ends.
func submit(ctx context.Context, pool *pool, paths []string, files chan<- *file) (walked bool) {
	for name, err := range walk(paths) {
		if ctx.Err() != nil {
			return false
		}
		f := &file{name: name, err: err}
		if err == nil {
			f.sum, f.err = pool.Submit(ctx, f)
		}
		if f.err != nil && ctx.Err() != nil {
			return false // it was ctx that refused it
		}
		files <- f
	}
	return true
}
