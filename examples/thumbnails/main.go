// Thumbnails makes thumbnails of all JPEG and PNG pictures of a directory tree:
//
//	go run ./examples/thumbnails [-width n] [-workers n] [-out DIR] [DIR]
//
// Without DIR it first makes a temporary directory with pictures, some of which are broken.
// The thumbnails go into DIR/thumbnails unless -out says otherwise.
//
// What to look at:
//
//   - studio.go is the work. NewPoolOf gives each worker a studio of its own: buffers that it
//     uses for one picture after another, and a directory for unfinished files, which Close
//     removes.
//   - run.go makes the pool. A studio's buffers grow to the size of the largest picture, so
//     WithMaxTasks replaces each studio after some pictures. The summary says how often, and
//     that every studio was closed.
//   - run.go reads the answers of Each in the order in which the thumbnails are finished, so
//     that the progress bar moves with every one. A broken picture is an answer like any
//     other: tally.go notes it, and lists it at the end.
//   - interrupt (Ctrl-C) while it runs: the end of the context cancels what is queued and
//     running, and Each yields the answers of these tasks too, so that the summary adds up.
//     A second interrupt ends the program at once.
//
// The exit status is 0, or 1 if a thumbnail could not be made (deliberately broken
// pictures do not count), 2 for a mistake on the command line, 130 after an interrupt.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(run(untilSignal(), os.Args[1:], os.Stdout, os.Stderr))
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
