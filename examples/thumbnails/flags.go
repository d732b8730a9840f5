package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"

	"github.com/troupe-go/troupe/actors"
)

const (
	maxWidth   = 2000
	maxWorkers = 1000
)

// settings are what the command line says.
type settings struct {
	width, workers int
	from           string // the directory of the pictures; empty: one is made
	to             string // the directory of the thumbnails; empty: one in from
}

// parse has told the user if it returns an error.
func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("thumbnails", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: thumbnails [-width n] [-workers n] [-out DIR] [DIR]")
		flags.PrintDefaults()
	}
	flags.IntVar(&s.width, "width", 160, "make thumbnails at most `n` pixels wide")
	flags.IntVar(&s.workers, "workers", actors.SizeCPU(), "work on `n` pictures at a time")
	flags.StringVar(&s.to, "out", "", "the `directory` of the thumbnails (default: thumbnails, in that of the pictures)")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.from = flags.Arg(0)
	var err error
	switch {
	case flags.NArg() > 1:
		err = errors.New("want one directory")
	case s.width < 1 || s.width > maxWidth:
		err = fmt.Errorf("-width is %d, want 1 to %d", s.width, maxWidth)
	case s.workers < 1 || s.workers > maxWorkers:
		err = fmt.Errorf("-workers is %d, want 1 to %d", s.workers, maxWorkers)
	}
	if err != nil {
		fmt.Fprintln(stderr, "thumbnails:", err)
		flags.Usage()
	}
	return s, err
}

// target returns the directory of the thumbnails.
func (s *settings) target() string {
	if s.to != "" {
		return s.to
	}
	return filepath.Join(s.from, "thumbnails")
}
