package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/troupe-go/troupe/messages"
)

// printer prints the answers in the order of the files.
type printer struct {
	out        *bufio.Writer
	errs       io.Writer
	stop       func() // ends the run
	line       []byte
	complaints int  // lines about what went wrong
	dropped    int  // files given up while they were queued
	stopping   bool // the user has been told that the end takes a while
	broken     bool // out cannot be written to
}

func newPrinter(out, errs io.Writer, stop func()) *printer {
	return &printer{out: bufio.NewWriter(out), errs: errs, stop: stop}
}

func (p *printer) print(ctx context.Context, files <-chan *file) {
	for f := range files {
		sum, err := p.wait(ctx, f)
		switch {
		case err == nil:
			p.line = appendLine(p.line[:0], sum, f.name)
			_, err = p.out.Write(p.line)
			p.written(err)
		case errors.Is(err, messages.ErrCanceled):
			p.dropped++
		default:
			p.flush() // the lines before it, for who sees both on one screen
			p.complain(complaint(f.name, err))
		}
		if len(files) == 0 {
			p.flush() // the next may be a while
		}
	}
	p.flush()
}

// wait returns the answer for f. When ctx ends, it gives f up unless a worker has
// begun it and its line can be printed.
func (p *printer) wait(ctx context.Context, f *file) (digest, error) {
	if f.err != nil {
		return digest{}, f.err
	}
	select {
	case <-f.sum.Done():
	default:
		p.flush()
		select {
		case <-f.sum.Done():
		case <-ctx.Done():
			if p.broken || !f.begun.Load() {
				f.sum.Cancel()
			} else if !p.stopping {
				p.stopping = true
				fmt.Fprint(p.errs, "checksum: finishing what is running; interrupt again to end at once\n")
			}
		}
	}
	return f.sum.Wait(context.Background())
}

func (p *printer) flush() { p.written(p.out.Flush()) }

// written ends the run if the lines cannot be written.
func (p *printer) written(err error) {
	if err == nil || p.broken {
		return
	}
	p.broken = true
	p.complain(complaint("standard output", err))
	p.stop()
}

func (p *printer) complain(line string) {
	p.complaints++
	fmt.Fprint(p.errs, line)
}
