package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"strconv"
)

const (
	maxWidth  = 2000       // of a thumbnail
	maxPixels = 25_000_000 // of a picture: a decoded one takes up to 8 bytes for each
)

// A job is a task of the pool: a picture, still encoded, and the width to scale it to.
type job struct {
	name  string // of a picture of an album
	data  []byte
	width int
}

// A picture is an encoded image.
type picture struct {
	contentType string
	data        []byte
}

// newJob checks what a client sent, as far as that is cheap: a small file can be a picture
// that takes gigabytes when it is decoded.
func newJob(data []byte, width string) (job, error) {
	n, err := strconv.Atoi(width)
	if err != nil || n < 1 || n > maxWidth {
		return job{}, fmt.Errorf("%w: width is %q, want a number from 1 to %d", errInput, width, maxWidth)
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return job{}, fmt.Errorf("%w: %w", errInput, err)
	}
	if pixels := int64(config.Width) * int64(config.Height); pixels < 1 || pixels > maxPixels {
		return job{}, fmt.Errorf("%w: %d × %d pixels, want at most %d", errInput, config.Width, config.Height, maxPixels)
	}
	return job{data: data, width: n}, nil
}

// thumbnail is the pool's handler. The thumbnail has the format of the picture. A picture
// that is narrower than the width keeps its size.
func thumbnail(ctx context.Context, j job) (picture, error) {
	src, format, err := image.Decode(reader{ctx, bytes.NewReader(j.data)})
	if ctx.Err() != nil {
		return picture{}, context.Cause(ctx)
	}
	if err != nil {
		return picture{}, fmt.Errorf("%w: %w", errInput, err)
	}
	small, err := shrink(ctx, src, min(j.width, src.Bounds().Dx()))
	if err != nil {
		return picture{}, err
	}
	var out bytes.Buffer
	if format == "png" {
		err = png.Encode(&out, small)
	} else {
		err = jpeg.Encode(&out, small, &jpeg.Options{Quality: 85})
	}
	return picture{contentType: "image/" + format, data: out.Bytes()}, err
}

// A reader fails when its context ends, which ends the decoder that reads from it.
type reader struct {
	ctx context.Context
	io.Reader
}

// Read implements io.Reader.
func (r reader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.Reader.Read(p)
}

// shrink scales a picture down to the given width with a box filter: each pixel is the
// average of a rectangle of src. It fails when ctx ends.
func shrink(ctx context.Context, src image.Image, width int) (image.Image, error) {
	from := src.Bounds()
	height := max(1, from.Dy()*width/from.Dx())
	small := image.NewRGBA(image.Rect(0, 0, width, height))
	rows := image.NewRGBA(image.Rect(0, 0, from.Dx(), from.Dy()/height+1)) // of src, for one row of small
	for y := range height {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		top, bottom := y*from.Dy()/height, (y+1)*from.Dy()/height
		draw.Draw(rows, image.Rect(0, 0, from.Dx(), bottom-top), src, from.Min.Add(image.Pt(0, top)), draw.Src)
		for x := range width {
			left, right := x*from.Dx()/width, (x+1)*from.Dx()/width
			small.SetRGBA(x, y, average(rows, image.Rect(left, 0, right, bottom-top)))
		}
	}
	return small, nil
}

// average returns the mean color of a box.
func average(img *image.RGBA, box image.Rectangle) color.RGBA {
	var sum [4]uint64
	for y := box.Min.Y; y < box.Max.Y; y++ {
		line := img.Pix[img.PixOffset(box.Min.X, y):img.PixOffset(box.Max.X, y)]
		for i, value := range line {
			sum[i%4] += uint64(value)
		}
	}
	n := uint64(box.Dx() * box.Dy())
	return color.RGBA{R: uint8(sum[0] / n), G: uint8(sum[1] / n), B: uint8(sum[2] / n), A: uint8(sum[3] / n)}
}
