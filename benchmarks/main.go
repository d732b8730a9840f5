package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/troupe-go/troupe/benchmarks/internal/report"
	"github.com/troupe-go/troupe/benchmarks/internal/workload"
)

func main() {
	log.SetFlags(log.Ltime)
	if err := run(os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		log.Fatal(err)
	}
}

// run measures what the arguments ask for.
func run(args []string, out io.Writer) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	start := time.Now()
	document := &report.Document{Machine: report.ThisMachine(modules()...), Runs: c.runs}
	env := workload.Env{Runs: c.runs, Quick: c.quick, Log: log.Printf}
	for _, w := range workload.All() {
		if !c.only.MatchString(w.Name) {
			continue
		}
		section, err := w.Run(env)
		if err != nil {
			return fmt.Errorf("%s: %w", w.Name, err)
		}
		section.Workload = w.Name
		document.Sections = append(document.Sections, *section)
		fmt.Fprint(out, section.Markdown())
	}
	targets := document.Targets()
	fmt.Fprint(out, targets.Markdown())
	document.Took = time.Since(start)
	if c.out == "" {
		return nil
	}
	return write(c.out, document)
}

// modules are those whose versions matter.
func modules() []string {
	return []string{
		"github.com/asynkron/protoactor-go",
		"github.com/panjf2000/ants/v2",
		"github.com/alitto/pond/v2",
		"github.com/gammazero/workerpool",
		"github.com/sourcegraph/conc",
		"golang.org/x/sync",
	}
}

// config is what the flags say.
type config struct {
	runs  int
	quick bool
	only  *regexp.Regexp
	out   string // empty: write no documents
}

func parse(args []string) (config, error) {
	const (
		outFlag   = "out"
		runsFlag  = "runs"
		quickRuns = 2
	)
	var c config
	var only string
	flags := flag.NewFlagSet("benchmarks", flag.ContinueOnError)
	flags.IntVar(&c.runs, runsFlag, 11, "interleaved `rounds` of each workload")
	flags.StringVar(&only, "only", "", "`regexp` of the workloads to run")
	flags.StringVar(&c.out, outFlag, filepath.Join("..", "docs"), "`directory` for the documents")
	flags.BoolVar(&c.quick, "quick", false, "do a fraction of the work, as a smoke test")
	if err := flags.Parse(args); err != nil {
		return config{}, err
	}
	given := make(map[string]bool)
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if c.quick && !given[runsFlag] {
		c.runs = quickRuns
	}
	if (c.quick || only != "") && !given[outFlag] {
		c.out = "" // what is not the whole must not take its place unasked
	}
	if c.runs < 1 {
		return config{}, fmt.Errorf("-runs %d < 1", c.runs)
	}
	var err error
	c.only, err = regexp.Compile(only)
	return c, err
}

// write makes the document and its plots.
func write(dir string, document *report.Document) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	return errors.Join(writeAll(root, document), root.Close())
}

func writeAll(root *os.Root, document *report.Document) error {
	if err := writeFile(root, "benchmarks.md", document.Markdown); err != nil {
		return err
	}
	for i := range document.Sections {
		for _, f := range document.Sections[i].Figures {
			if err := writeFile(root, f.File, f.Draw); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeFile(root *os.Root, name string, content func(io.Writer) error) error {
	file, err := root.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(content(file), file.Close())
}
