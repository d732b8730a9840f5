package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"

	"github.com/troupe-go/troupe/actors"
)

type digest [sha256.Size]byte

// file is what the pool gets: a file, or what could not be looked into.
type file struct {
	name string
	err  error // why there is no sum
}

// hasher is what each worker of the pool has: all it takes to hash a file of any size.
type hasher struct {
	open     func(name string) (io.ReadCloser, error)
	progress func(n int)
	hash     hash.Hash
	buf      [128 << 10]byte
}

// Handle implements actors.Worker.
func (h *hasher) Handle(ctx context.Context, f file) (sum digest, err error) {
	if f.err != nil {
		return sum, f.err
	}
	in, err := h.open(f.name)
	if err != nil {
		return sum, err
	}
	defer func() { _ = in.Close() }() // nothing was written

	h.hash.Reset()
	n, err := h.read(ctx, in)
	if reportErr := actors.Report(ctx, "bytes", n); err == nil {
		err = reportErr
	}
	if err != nil {
		return sum, err
	}
	h.hash.Sum(sum[:0])
	return sum, nil
}

// read feeds the hash. It does not call io.CopyBuffer, which ignores the buffer for an *os.File
// and knows of no context.
func (h *hasher) read(ctx context.Context, in io.Reader) (total int64, err error) {
	for ctx.Err() == nil {
		n, err := in.Read(h.buf[:])
		h.hash.Write(h.buf[:n]) // never fails
		total += int64(n)
		h.progress(n)
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
	return total, context.Cause(ctx)
}
