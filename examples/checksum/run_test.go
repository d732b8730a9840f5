package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/troupetest"
)

// The sums of "", "abc" and a million times "a" are those of FIPS 180-2.
func TestKnownSums(t *testing.T) {
	inTree(t, "f")
	for content, want := range map[string]string{
		"":                             "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"abc":                          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		strings.Repeat("a", 1_000_000): "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
	} {
		require.NoError(t, os.WriteFile("f", []byte(content), 0o644))
		got := checksum(t, "f")
		assert.Equal(t, want+"  f\n", got.stdout)
		assert.Equal(t, 0, got.status, got.stderr)
	}
}

// A line's file may be far ahead of the one that is slow.
func TestOrderIsThatOfThePaths(t *testing.T) {
	troupetest.TimeLimit(t)
	for _, dispatch := range []string{"least-busy", "round-robin"} {
		t.Run(dispatch, func(t *testing.T) {
			inTree(t, "first", "f")
			args := []string{"-workers", "32", "-dispatch", dispatch, "first"}
			var want strings.Builder
			want.WriteString("first\n")
			for range 3 * window / 4 {
				args = append(args, "f", "./f")
				want.WriteString("f\n./f\n")
			}
			others := make(chan struct{}, len(args))
			got := checksumOpening(t, func(name string) (io.ReadCloser, error) {
				if name == "first" {
					for range window / 2 {
						<-others
					}
				} else {
					others <- struct{}{}
				}
				return openFile(name)
			}, args...)
			assert.Equal(t, want.String(), regexp.MustCompile(`(?m)^\w{64}  `).ReplaceAllString(got.stdout, ""))
			assert.Equal(t, 0, got.status, got.stderr)
		})
	}
}

func TestWhatCannotBeReadIsOneLine(t *testing.T) {
	for name, test := range map[string]struct {
		open func(string) (io.ReadCloser, error)
		args []string
		want string
	}{
		"file removed since the walk": {
			func(name string) (io.ReadCloser, error) {
				if name == "./b" {
					_ = os.Remove(name)
				}
				return os.Open(name)
			},
			[]string{"."},
			"checksum: ./b: no such file or directory\n",
		},
		"no permission": {
			func(name string) (io.ReadCloser, error) {
				if name == "./b" {
					return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
				}
				return os.Open(name)
			},
			[]string{"."},
			"checksum: ./b: permission denied\n",
		},
		"read error": {
			func(name string) (io.ReadCloser, error) {
				if name == "./b" {
					return io.NopCloser(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(errors.New("bad sector")))), nil
				}
				return os.Open(name)
			},
			[]string{"."},
			"checksum: ./b: bad sector\n",
		},
		"the work panics": {
			func(name string) (io.ReadCloser, error) {
				if name == "./b" {
					panic("bug")
				}
				return os.Open(name)
			},
			[]string{"-workers", "1", "."},
			"checksum: ./b: troupe: handler panicked: bug\n",
		},
		"no such path":         {openFile, []string{"./a", "nowhere", "./c"}, "checksum: nowhere: no such file or directory\n"},
		"a file is no tree":    {openFile, []string{"./a", "c/", "./c"}, "checksum: c/: not a directory\n"},
		"empty path":           {openFile, []string{"./a", "", "./c"}, "checksum: \"\": no such file or directory\n"},
		"a name of many lines": {openFile, []string{"./a", "no\nwhere", "./c"}, "checksum: \"no\\nwhere\": no such file or directory\n"},
	} {
		t.Run(name, func(t *testing.T) {
			inTree(t, "a", "b", "c")
			got := checksumOpening(t, test.open, test.args...)
			assert.Equal(t, 1, got.status)
			assert.Equal(t, checksum(t, "./a", "./c").stdout, got.stdout, "the others are hashed")
			complaint, rest := got.stderr[:strings.Index(got.stderr, "\n")+1], got.stderr[strings.Index(got.stderr, "\n")+1:]
			assert.Equal(t, test.want, complaint)
			assert.Contains(t, rest, "; 1 error, ")
			assert.Equal(t, 2, strings.Count(rest, "\n"), "only the summary follows")
		})
	}
}

// A directory too deep for its name to be opened: also root cannot.
func TestUnreadableDirectory(t *testing.T) {
	inTree(t, "a", "z")
	deep := "d" + strings.Repeat("/"+strings.Repeat("n", 200), 24)
	root, err := os.OpenRoot(".")
	require.NoError(t, err)
	defer func() { _ = root.Close() }()
	if err := root.MkdirAll(deep, 0o755); err != nil {
		t.Skip("cannot make one:", err)
	}
	got := checksum(t, ".")
	assert.Equal(t, 1, got.status)
	assert.Equal(t, checksum(t, "./a", "./z").stdout, got.stdout)
	assert.Regexp(t, `\Achecksum: ./d(/n{200})+: file name too long\n`, got.stderr)
}

func TestMistakesOnTheCommandLine(t *testing.T) {
	inTree(t, "f")
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no path":          {nil, "checksum: no PATH given\n"},
		"only flags":       {[]string{"-workers", "2"}, "checksum: no PATH given\n"},
		"no workers":       {[]string{"-workers", "0", "f"}, `invalid value "0" for flag -workers`},
		"negative workers": {[]string{"-workers", "-3", "f"}, `invalid value "-3" for flag -workers`},
		"odd workers":      {[]string{"-workers", "two", "f"}, `invalid value "two" for flag -workers`},
		"odd dispatch":     {[]string{"-dispatch", "nonsense", "f"}, `invalid value "nonsense" for flag -dispatch: want least-busy or round-robin`},
		"other dispatch":   {[]string{"-dispatch", "random", "f"}, `invalid value "random" for flag -dispatch`},
		"unknown flag":     {[]string{"-z", "f"}, "flag provided but not defined: -z"},
	} {
		t.Run(name, func(t *testing.T) {
			got := checksum(t, test.args...)
			assert.Equal(t, 2, got.status)
			assert.Empty(t, got.stdout)
			assert.True(t, strings.HasPrefix(got.stderr, test.want), got.stderr)
			assert.Contains(t, got.stderr, "usage: checksum ")
		})
	}
}

func TestHelp(t *testing.T) {
	got := checksum(t, "-h")
	assert.Equal(t, 0, got.status)
	assert.Contains(t, got.stderr, "usage: checksum ")
}

func TestSummary(t *testing.T) {
	inTree(t, "x/12", "x/3456", "empty")
	got := checksum(t, "-workers", "3", "-dispatch", "round-robin", "x", "empty", "gone")
	assert.Equal(t, 1, got.status)
	assert.Regexp(t, `\Achecksum: gone: no such file or directory
checksum: 3 files, 10 bytes in \S+s \(\d+\.\d MB/s\) by 3 workers, round-robin
checksum: run time mean \S+s, p99 \S+s; 1 error, 0 restarts\n\z`, got.stderr)

	got = checksum(t, "-workers", "1", "empty")
	assert.Regexp(t, `\Achecksum: 1 file, 0 bytes in .* by 1 worker, least-busy\n.*; 0 errors, 0 restarts\n\z`, got.stderr)
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1.0 kB", 999_949: "999.9 kB",
		999_950: "1.0 MB", 2 << 30: "2.1 GB", 1 << 62: "4611.7 PB",
	} {
		assert.Equal(t, want, size(n))
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// What is hashed then is given up: nobody can be told the sums.
func TestOutputThatCannotBeWritten(t *testing.T) {
	inTree(t, "f")
	args := []string{"f"}
	for range 4 * window {
		args = append(args, "f")
	}
	var stderr strings.Builder
	status := run(t.Context(), args, full{}, &stderr, content("abc"))
	assert.Equal(t, 1, status)
	assert.Equal(t, 1, strings.Count(stderr.String(), "standard output: no space left on device\n"), stderr.String())
}
