package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// printer prints the answers in the order of the files.
type printer struct {
	out, errs  io.Writer
	names      []string // of the files whose answers are to come
	complaints int      // lines about what went wrong
	dropped    int      // files that an interrupt has dropped
	cut        bool     // an interrupt came before all files were found
}

// print has the pool hash every file below the paths. It breaks off, which cancels the rest,
// if the lines cannot be written.
func (p *printer) print(ctx context.Context, pool *pool, s settings) {
	var line []byte
	answers := pool.Map(context.WithoutCancel(ctx), p.files(ctx, s.paths), actors.Ahead(window+s.workers))
	for sum, err := range answers {
		name := p.names[0]
		p.names = p.names[1:]
		switch {
		case err == nil:
			line = appendLine(line[:0], sum, name)
			if _, err := p.out.Write(line); err != nil {
				p.complain("standard output", err)
				return
			}
		case errors.Is(err, messages.ErrDropped):
			p.dropped++
		case errors.Is(err, messages.ErrPoolStopped):
			p.cut = true
		default:
			p.complain(name, err)
		}
	}
}

// files yields what is below the paths, until ctx ends, and notes the names.
func (p *printer) files(ctx context.Context, paths []string) iter.Seq[file] {
	return func(yield func(file) bool) {
		for name, err := range walk(paths) {
			if ctx.Err() != nil {
				p.cut = true
				return
			}
			p.names = append(p.names, name)
			if !yield(file{name, err}) {
				return
			}
		}
	}
}

func (p *printer) complain(name string, err error) {
	p.complaints++
	fmt.Fprint(p.errs, complaint(name, err))
}
