package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/router"
)

// settings are what the command line says.
type settings struct {
	workers  int
	dispatch router.Dispatch
	// dashboard is the address to serve the dashboard on; empty: none is served.
	dashboard string
	paths     []string
}

// parse has told the user if it returns an error.
func parse(args []string, stderr io.Writer) (settings, error) {
	s := settings{workers: actors.SizeCPU(), dispatch: router.LeastBusy()}
	flags := flag.NewFlagSet("checksum", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: checksum [-workers n] [-dispatch least-busy|round-robin] [-dashboard host:port] PATH...")
		flags.PrintDefaults()
	}
	flags.Func("workers", "hash `n` files at a time (default: one for each processor)", func(value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return errors.New("want a number, at least 1")
		}
		s.workers = n
		return nil
	})
	flags.Func("dispatch", "`how` files are given to workers: least-busy (default) or round-robin", func(value string) error {
		for _, d := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
			if d.String() == value {
				s.dispatch = d
				return nil
			}
		}
		return errors.New("want least-busy or round-robin")
	})
	flags.StringVar(&s.dashboard, "dashboard", "", "show what the workers do in a browser, at `host:port`, while they do it")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.paths = flags.Args()
	if len(s.paths) == 0 {
		fmt.Fprintln(stderr, "checksum: no PATH given")
		flags.Usage()
		return s, errors.New("no PATH given")
	}
	return s, nil
}
