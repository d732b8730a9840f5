package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
)

// whole is how many pictures of an album are not broken.
const whole = 36

// makeAlbum makes a temporary directory with pictures, some of them broken. It makes them
// with a pool of functions, in a group that gives up when the first one fails.
func makeAlbum(ctx context.Context) (dir string, err error) {
	if dir, err = os.MkdirTemp("", "thumbnails-"); err != nil {
		return "", err
	}
	system := actor.NewActorSystem(actor.WithLoggerFactory(quiet))
	defer system.Shutdown()
	pool, err := actors.NewFuncPool(system.Root, actors.WithName("album"))
	if err != nil {
		return dir, err
	}
	defer pool.Close()
	group := pool.Group(ctx, actors.FailFast())
	for i := range whole {
		group.Go(func(context.Context) error { return save(dir, nameOf(i), encode(i)) })
	}
	group.Go(func(context.Context) error { return saveBroken(dir) })
	return dir, group.Wait()
}

func nameOf(i int) string {
	name := fmt.Sprintf("%d/%02d", 2020+i%4, i)
	if i%12 == 0 {
		name += strings.Repeat(" and on", 20)
	}
	if i%3 == 0 {
		return name + ".png"
	}
	return name + ".jpg"
}

// encode paints rings around a point and returns the encoded picture.
func encode(i int) []byte {
	picture := image.NewRGBA(image.Rect(0, 0, 180+i%5*40, 120+i%7*30))
	size := picture.Bounds()
	for y := range size.Dy() {
		for x := range size.Dx() {
			distance := math.Hypot(float64(x-10*i), float64(y-size.Dy()/2))
			light := uint8(128 + 127*math.Sin(distance/float64(8+i%9)))
			picture.SetRGBA(x, y, color.RGBA{R: light, G: uint8(y * 255 / size.Dy()), B: uint8(5 * i), A: 255})
		}
	}
	var out bytes.Buffer
	if strings.HasSuffix(nameOf(i), ".png") {
		_ = png.Encode(&out, picture) // a bytes.Buffer does not fail
	} else {
		_ = jpeg.Encode(&out, picture, nil)
	}
	return out.Bytes()
}

func saveBroken(dir string) error {
	photo, scan := encode(1), encode(0)
	header := scan[12:29] // its name, the width, the height and five bytes more, before its checksum
	binary.BigEndian.PutUint32(header[4:], 1<<16)
	binary.BigEndian.PutUint32(header[8:], 1<<16)
	binary.BigEndian.PutUint32(scan[29:], crc32.ChecksumIEEE(header))
	for name, data := range map[string][]byte{
		"broken/empty.jpg":         nil,
		"broken/half.jpg":          photo[:len(photo)/2],
		"broken/no picture.png":    []byte("This is text."),
		"broken/huge\nin size.png": scan,
	} {
		if err := save(dir, name, data); err != nil {
			return err
		}
	}
	return nil
}

func save(dir, name string, data []byte) error {
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
