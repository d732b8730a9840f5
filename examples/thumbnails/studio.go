package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/image/draw"
)

// maxPixels limits the size of a picture, which takes up to 8 bytes for each when it is
// decoded.
const maxPixels = 50_000_000

// A studio is what one worker has: what it takes to make one thumbnail after another.
type studio struct {
	from, to string
	width    int
	file     bytes.Buffer // an encoded picture
	canvas   image.RGBA   // a thumbnail
	scratch  string       // a directory for unfinished files
	open     *atomic.Int64
}

func newStudio(s *settings, open *atomic.Int64) (*studio, error) {
	scratch, err := os.MkdirTemp(s.target(), ".unfinished-")
	if err != nil {
		return nil, err
	}
	open.Add(1)
	return &studio{from: s.from, to: s.target(), width: s.width, scratch: scratch, open: open}, nil
}

// Handle implements actors.Worker: it makes the thumbnail of a picture, in the same format,
// and returns the number of bytes. Name is relative to the directory of the pictures.
func (s *studio) Handle(ctx context.Context, name string) (int64, error) {
	picture, format, err := s.decode(name)
	if err != nil {
		return 0, err
	}
	if ctx.Err() != nil { // an interrupt
		return 0, context.Cause(ctx)
	}
	s.draw(picture)
	s.file.Reset()
	if format == "png" {
		err = png.Encode(&s.file, &s.canvas)
	} else {
		err = jpeg.Encode(&s.file, &s.canvas, &jpeg.Options{Quality: 85})
	}
	if err != nil {
		return 0, err
	}
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	return int64(s.file.Len()), s.save(name)
}

// Close implements io.Closer.
func (s *studio) Close() error {
	s.open.Add(-1)
	return os.RemoveAll(s.scratch)
}

// decode reads a picture. It looks at the size first, since a small file can be a picture that
// takes gigabytes when it is decoded.
func (s *studio) decode(name string) (picture image.Image, format string, err error) {
	in, err := os.Open(filepath.Join(s.from, name))
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = in.Close() }() // nothing was written
	s.file.Reset()
	if _, err := s.file.ReadFrom(in); err != nil {
		return nil, "", err
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(s.file.Bytes()))
	if err != nil {
		return nil, "", err
	}
	if pixels := int64(config.Width) * int64(config.Height); pixels < 1 || pixels > maxPixels {
		return nil, "", fmt.Errorf("%d × %d pixels, want at most %d", config.Width, config.Height, maxPixels)
	}
	return image.Decode(bytes.NewReader(s.file.Bytes()))
}

// draw scales a picture down onto the canvas. A narrow picture keeps its size.
func (s *studio) draw(picture image.Image) {
	from := picture.Bounds()
	width := min(s.width, from.Dx())
	size := image.Rect(0, 0, width, max(1, from.Dy()*width/from.Dx()))
	if n := 4 * size.Dx() * size.Dy(); cap(s.canvas.Pix) < n {
		s.canvas.Pix = make([]uint8, n)
	} else {
		s.canvas.Pix = s.canvas.Pix[:n]
	}
	s.canvas.Stride, s.canvas.Rect = 4*size.Dx(), size
	draw.BiLinear.Scale(&s.canvas, size, picture, from, draw.Src, nil)
}

// save writes the thumbnail. It renames a finished file, so that nobody finds half a thumbnail.
func (s *studio) save(name string) error {
	unfinished, finished := filepath.Join(s.scratch, "thumbnail"), filepath.Join(s.to, name)
	if err := os.WriteFile(unfinished, s.file.Bytes(), 0o644); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(finished), 0o755); err != nil {
		return err
	}
	return os.Rename(unfinished, finished)
}
