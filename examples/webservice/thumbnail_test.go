package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/troupetest"
)

func TestAPictureIsScaledDown(t *testing.T) {
	troupetest.TimeLimit(t)
	s := start(t, thumbnail)
	for name, test := range map[string]struct {
		format        string
		width, height int
		target        string
		want          image.Point
	}{
		"png":                {"png", 320, 240, "/thumbnail?width=32", image.Pt(32, 24)},
		"jpeg":               {"jpeg", 320, 240, "/thumbnail?width=32", image.Pt(32, 24)},
		"uneven boxes":       {"png", 101, 37, "/thumbnail?width=10", image.Pt(10, 3)},
		"at least one pixel": {"png", 1000, 2, "/thumbnail?width=10", image.Pt(10, 1)},
		"never enlarged":     {"jpeg", 20, 30, "/thumbnail?width=2000", image.Pt(20, 30)},
	} {
		t.Run(name, func(t *testing.T) {
			w := request(s, http.MethodPost, test.target, encoded(t, test.format, test.width, test.height))
			require.Equal(t, http.StatusOK, w.Code, w.Body)
			assert.Equal(t, "image/"+test.format, w.Header().Get("Content-Type"))
			small, format, err := image.Decode(w.Body)
			require.NoError(t, err)
			assert.Equal(t, test.format, format)
			assert.Equal(t, test.want, small.Bounds().Size())

			red, _, blue, _ := small.At(0, 0).RGBA()
			assert.Greater(t, red, blue, "the left half is red")
			red, _, blue, _ = small.At(test.want.X-1, test.want.Y-1).RGBA()
			assert.Greater(t, blue, red, "the right half is blue")
		})
	}
}

func TestAPixelIsTheMeanOfItsBox(t *testing.T) {
	troupetest.TimeLimit(t)
	whole := image.NewNRGBA(image.Rect(0, 0, 5, 3))
	whole.SetNRGBA(1, 1, color.NRGBA{R: 200, A: 255})
	whole.SetNRGBA(2, 1, color.NRGBA{R: 100, G: 40, A: 255})
	whole.SetNRGBA(3, 1, color.NRGBA{B: 80, A: 255}) // (4, 1) and the row below are transparent
	small, err := shrink(t.Context(), whole.SubImage(image.Rect(1, 1, 5, 3)), 2)
	require.NoError(t, err)
	assert.Equal(t, image.Pt(2, 1), small.Bounds().Size())
	assert.Equal(t, color.RGBA{R: 75, G: 10, A: 127}, small.At(0, 0))
	assert.Equal(t, color.RGBA{B: 20, A: 63}, small.At(1, 0))
}

func TestTheHandlerEndsWithItsContext(t *testing.T) {
	troupetest.TimeLimit(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := thumbnail(ctx, job{data: encoded(t, "png", 100, 100), width: 10})
	assert.ErrorIs(t, err, context.Canceled)
	assert.NotErrorIs(t, err, errInput)
	_, err = shrink(ctx, image.NewGray(image.Rect(0, 0, 100, 100)), 10)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestInputThatCannotBeScaledIs400(t *testing.T) {
	troupetest.TimeLimit(t)
	s := start(t, thumbnail)
	whole := encoded(t, "png", 100, 100)
	huge := bytes.Clone(whole)
	header := huge[12:29] // its name, the width, the height and five bytes more, before its checksum
	binary.BigEndian.PutUint32(header[4:], 1<<16)
	binary.BigEndian.PutUint32(header[8:], 1<<16)
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(header))
	for name, test := range map[string]struct {
		target string
		body   []byte
		want   string
	}{
		"no width":        {"/thumbnail", whole, `width is ""`},
		"no number":       {"/thumbnail?width=ten", whole, `width is "ten"`},
		"width 0":         {"/thumbnail?width=0", whole, "want a number from 1 to 2000"},
		"too wide":        {"/thumbnail?width=2001", whole, "want a number from 1 to 2000"},
		"no body":         {"/thumbnail?width=10", nil, "image: unknown format"},
		"no picture":      {"/thumbnail?width=10", []byte("hello"), "image: unknown format"},
		"half a picture":  {"/thumbnail?width=10", whole[:len(whole)/2], "png: invalid format"},
		"too many pixels": {"/thumbnail?width=10", huge, "65536 × 65536 pixels"},
	} {
		t.Run(name, func(t *testing.T) {
			w := request(s, http.MethodPost, test.target, test.body)
			assert.Equal(t, http.StatusBadRequest, w.Code)
			assert.Contains(t, w.Body.String(), test.want)
		})
	}
	assert.EqualValues(t, 1, s.pool.Stats().Failed, "only half a picture came as far as the pool")
}
