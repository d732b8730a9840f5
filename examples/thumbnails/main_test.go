package main

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/internal/leaks"
	"github.com/troupe-go/troupe/troupetest"
)

// role is the environment variable that makes the test binary the program itself.
const role = "THUMBNAILS_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(role) == "main" {
		main()
	}
	leaks.VerifyTestMain(m)
}

// ran is what a run left behind.
type ran struct {
	status         int
	stdout, stderr string
}

func thumbnails(t *testing.T, args ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), args, &stdout, &stderr)
	return ran{status, stdout.String(), stderr.String()}
}

// filesBelow returns the names of all files and of empty directories.
func filesBelow(t *testing.T, dir string) (names []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() || len(names) == 0 {
			names = append(names, path)
		}
		return err
	}))
	return names[1:]
}

func TestThumbnailsHaveTheNamesAndFormatsOfThePictures(t *testing.T) {
	troupetest.TimeLimit(t)
	dir := t.TempDir()
	require.NoError(t, save(dir, "a/0.png", encode(0)))
	require.NoError(t, save(dir, "a/1.JPG", encode(1)))
	require.NoError(t, save(dir, "a/text.txt", []byte("no picture")))
	for range 2 { // the second time, the thumbnails are not taken for pictures
		got := thumbnails(t, "-width", "30", dir)
		require.Equal(t, ok, got.status, got.stderr)
		assert.Contains(t, got.stdout, ": 2 made, 0 failed\n")
		assert.Contains(t, got.stdout, ", 0 left open\n")
	}
	assert.Len(t, filesBelow(t, filepath.Join(dir, "thumbnails")), 2)
	for name, want := range map[string]struct {
		format string
		size   image.Point
	}{
		"a/0.png": {"png", image.Pt(30, 20)},
		"a/1.JPG": {"jpeg", image.Pt(30, 20)},
	} {
		in, err := os.Open(filepath.Join(dir, "thumbnails", name))
		require.NoError(t, err)
		config, format, err := image.DecodeConfig(in)
		require.NoError(t, err)
		require.NoError(t, in.Close())
		assert.Equal(t, want.format, format)
		assert.Equal(t, want.size, image.Pt(config.Width, config.Height))
	}
}

func TestANarrowPictureKeepsItsSize(t *testing.T) {
	troupetest.TimeLimit(t)
	dir := t.TempDir()
	require.NoError(t, save(dir, "0.png", encode(0)))
	require.Equal(t, ok, thumbnails(t, "-width", "2000", "-out", dir+"/small", dir).status)
	in, err := os.Open(filepath.Join(dir, "small", "0.png"))
	require.NoError(t, err)
	defer func() { _ = in.Close() }()
	got, _, err := image.Decode(in)
	require.NoError(t, err)
	whole, _, err := image.Decode(bytes.NewReader(encode(0)))
	require.NoError(t, err)
	assert.Equal(t, whole.Bounds(), got.Bounds())
	assert.Equal(t, whole.At(100, 100), got.At(100, 100))
}

func TestBrokenPicturesAreListedAndTheRestIsMade(t *testing.T) {
	troupetest.TimeLimit(t)
	dir := t.TempDir()
	require.NoError(t, save(dir, "0.png", encode(0)))
	require.NoError(t, saveBroken(dir))
	got := thumbnails(t, dir)
	assert.Equal(t, failed, got.status)
	assert.Equal(t, `thumbnails: broken/empty.jpg: image: unknown format
thumbnails: broken/half.jpg: invalid JPEG format: short Huffman data
thumbnails: "broken/huge\nin size.png": 65536 × 65536 pixels, want at most 50000000
thumbnails: broken/no picture.png: image: unknown format
`, got.stderr)
	assert.Contains(t, got.stdout, ": 1 made, 4 failed\n")
	assert.Len(t, filesBelow(t, filepath.Join(dir, "thumbnails")), 1)
}

func TestWithoutArgumentsAnAlbumIsMade(t *testing.T) {
	troupetest.TimeLimit(t)
	t.Setenv("TMPDIR", t.TempDir())
	got := thumbnails(t, "-workers", "2")
	assert.Equal(t, ok, got.status, got.stderr)
	assert.Contains(t, got.stdout, "40 pictures in ")
	assert.Contains(t, got.stdout, ": 36 made, 4 failed\n")
	assert.Regexp(t, `(?m)^[6-8] studios replaced after 5 pictures each, 0 left open$`, got.stdout)
}

func TestMistakesOnTheCommandLine(t *testing.T) {
	troupetest.TimeLimit(t)
	for name, args := range map[string][]string{
		"two directories": {".", "."},
		"no width":        {"-width", "0", "."},
		"too wide":        {"-width", "2001", "."},
		"no workers":      {"-workers", "0", "."},
		"unknown flag":    {"-z"},
	} {
		t.Run(name, func(t *testing.T) {
			got := thumbnails(t, args...)
			assert.Equal(t, misused, got.status)
			assert.Empty(t, got.stdout)
			assert.Contains(t, got.stderr, "usage: thumbnails ")
		})
	}
	assert.Equal(t, ok, thumbnails(t, "-h").status)
	got := thumbnails(t, "/no/such/directory")
	assert.Equal(t, failed, got.status)
	assert.Contains(t, got.stderr, "no such file or directory\n")
}
