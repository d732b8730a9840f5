package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"sync"

	"github.com/troupe-go/troupe/actors"
)

type digest [sha256.Size]byte

// hasher is the work of the pool.
type hasher struct {
	open     func(name string) (io.ReadCloser, error)
	progress func(n int)
	scratch  sync.Pool // of *scratch: no more are in use than there are workers
}

// scratch is what it takes to hash one file, whatever its size.
type scratch struct {
	hash hash.Hash
	buf  [128 << 10]byte
}

func newHasher(open func(string) (io.ReadCloser, error), progress func(int)) *hasher {
	h := &hasher{open: open, progress: progress}
	h.scratch.New = func() any { return &scratch{hash: sha256.New()} }
	return h
}

// sum is the pool's handler.
func (h *hasher) sum(ctx context.Context, f *file) (sum digest, err error) {
	f.begun.Store(true)
	in, err := h.open(f.name)
	if err != nil {
		return sum, err
	}
	defer func() { _ = in.Close() }() // nothing was written

	s := h.scratch.Get().(*scratch)
	defer h.scratch.Put(s)
	s.hash.Reset()
	n, err := h.read(ctx, s, in)
	if reportErr := actors.Report(ctx, "bytes", n); err == nil {
		err = reportErr
	}
	if err != nil {
		return sum, err
	}
	s.hash.Sum(sum[:0])
	return sum, nil
}

// read feeds the hash. It is not io.CopyBuffer, because that passes the buffer over
// for an *os.File and knows of no context.
func (h *hasher) read(ctx context.Context, s *scratch, in io.Reader) (total int64, err error) {
	for ctx.Err() == nil {
		n, err := in.Read(s.buf[:])
		s.hash.Write(s.buf[:n]) // never fails
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
