package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
)

// maxTasks is how many pictures a studio serves before it is replaced.
const maxTasks = 5

// The exit statuses.
const (
	ok          = 0
	failed      = 1
	misused     = 2
	interrupted = 130
)

// run is the program. The end of ctx is an interrupt.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	s, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return ok
	case err != nil:
		return misused
	}
	demo := s.from == ""
	if demo {
		if s.from, err = makeAlbum(ctx); err != nil {
			return fail(ctx, stderr, err)
		}
		fmt.Fprintln(stdout, "made pictures, some of them broken, in", s.from)
	}
	result, err := shrinkAll(ctx, &s, stderr)
	if err != nil {
		return fail(ctx, stderr, err)
	}
	result.list(stderr)
	result.summarize(stdout, s.target())
	switch {
	case ctx.Err() != nil:
		return interrupted
	case len(result.failures) > 0 && !demo:
		return failed
	}
	return ok
}

func fail(ctx context.Context, stderr io.Writer, err error) int {
	if ctx.Err() != nil {
		fmt.Fprintln(stderr, "thumbnails: interrupted")
		return interrupted
	}
	fmt.Fprintln(stderr, "thumbnails:", err)
	return failed
}

// shrinkAll makes the thumbnails. The error is one that concerns all of them.
func shrinkAll(ctx context.Context, s *settings, stderr io.Writer) (*tally, error) {
	begun := time.Now()
	pictures, failures, err := find(ctx, s.from, s.target())
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.target(), 0o755); err != nil {
		return nil, err
	}
	var open atomic.Int64 // studios
	produce := func(context.Context) (*studio, error) { return newStudio(s, &open) }
	system := actor.NewActorSystem(actor.WithLoggerFactory(quiet)) // the tally reports the failures
	defer system.Shutdown()
	pool, err := actors.NewPoolOf(system.Root, produce,
		actors.WithName("thumbnails"),
		actors.WithSize(s.workers),
		actors.WithMaxTasks(maxTasks),
	)
	if err != nil {
		return nil, err
	}
	defer pool.Close() // a no-op after the Shutdown below

	result := &tally{pictures: len(pictures), failures: failures}
	bar := newBar(stderr, len(pictures))
	for answer := range pool.Each(ctx, slices.Values(pictures)) {
		result.add(answer)
		if err := bar.Add(1); err != nil {
			return nil, err
		}
	}
	if _, err := pool.Shutdown(context.WithoutCancel(ctx)); err != nil { // closes the studios
		return nil, err
	}
	result.took, result.open, result.recycled = time.Since(begun), open.Load(), pool.Stats().Recycled
	return result, bar.Clear()
}
