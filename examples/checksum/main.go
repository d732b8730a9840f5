// Checksum prints the SHA-256 sum of every regular file below the given paths,
// byte for byte as sha256sum of GNU coreutils 9 prints them:
//
//	go run ./examples/checksum [-workers n] [-dispatch least-busy|round-robin] [-dashboard host:port] PATH...
//
// What to look at:
//
//   - run.go makes the pool with NewPoolOf: each worker has a hash and a buffer of its own.
//   - printer.go prints what Map yields: the sums in the order of the files. Ahead limits how
//     far Map walks ahead of the next line to print, so memory use does not grow with the
//     number of files.
//   - hash.go is the work: it adds to a counter of its own with actors.Report, and
//     the closing summary (summary.go) finds the sum in the pool's statistics.
//   - with -dashboard localhost:8080, the pool is seen at work in a browser (serve.go).
//   - interrupt (Ctrl-C) while it runs: Finish drops the queued files, and the files in hand
//     are finished and printed. A second interrupt ends the program at once.
//
// The names and their order: a path that is a directory is walked, in the lexical
// order of the names in each directory, and its files get the names that
// find PATH -type f gives them; "." makes "./a/b", and "d/" makes "d/a". A path
// that is a regular file is hashed itself. Symbolic links and special files are
// passed over in silence, as find does, and "-" is a file of that name.
//
// The exit status is 0, or 1 if anything could not be read or written, 2 for a
// mistake on the command line, 130 after an interrupt. (go run says "exit status
// 130" and exits with 1.)
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(run(interruptible(), os.Args[1:], os.Stdout, os.Stderr, openFile))
}

// interruptible returns a context that the first interrupt ends. The second ends
// the program: by the end of the context, the signals have their usual effect again.
func interruptible() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		signal.Stop(signals)
		cancel()
	}()
	return ctx
}

func openFile(name string) (io.ReadCloser, error) { return os.Open(name) }
