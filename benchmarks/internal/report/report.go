// Package report makes the document of what was measured.
package report

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// A Section is what one workload found.
type Section struct {
	// Workload is what the flag -only is given to repeat it. Empty: nothing repeats it.
	Workload string
	Title    string
	Text     string
	Tables   []Table
	Targets  []Target
	Figures  []Figure
}

// A Table has a header and rows of as many cells.
type Table struct {
	Title  string
	Header []string
	Rows   [][]string
	// Text is how many of the columns are text, from the left; the others are
	// figures. The first is text in any case.
	Text int
}

// Row adds a row.
func (t *Table) Row(cells ...string) { t.Rows = append(t.Rows, cells) }

// A Figure is a plot in a file beside the document.
type Figure struct {
	File  string
	Title string
	Draw  func(w io.Writer) error
}

// A Document is all that a run found.
type Document struct {
	Machine  Machine
	Runs     int
	Took     time.Duration
	Sections []Section
}

// Markdown writes the document.
func (d *Document) Markdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# Benchmarks\n\n")
	b.WriteString("Troupe and its peers do the same work in one process. Each round runs every contender once, in a\n" +
		"shuffled order, on a heap that has just been collected. Figures are medians over the rounds, and a ratio is\n" +
		"the median of the ratios round by round, so that a noisy machine hurts all alike. Troupe has all of its\n" +
		"defaults on: the ledger, statistics, supervision, and a bounded queue unless the text says otherwise.\n\n")
	fmt.Fprintf(&b, "To repeat it: `make bench`. This took %v, with %d rounds.\n\n", d.Took.Round(time.Second), d.Runs)
	d.Machine.markdown(&b)
	targets := d.Targets()
	b.WriteString(targets.Markdown())
	for i := range d.Sections {
		b.WriteString(d.Sections[i].Markdown())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Targets is the section of what Troupe is held to.
func (d *Document) Targets() Section {
	table := Table{Header: []string{"workload", "target", "limit", "measured", ""}, Text: 2}
	for i := range d.Sections {
		for _, t := range d.Sections[i].Targets {
			table.Row(t.row(d.Sections[i].Title)...)
		}
	}
	var met, all int
	for i := range d.Sections {
		for _, t := range d.Sections[i].Targets {
			all++
			if t.Met() {
				met++
			}
		}
	}
	text := fmt.Sprintf("Troupe meets %d of %d targets. A ratio is Troupe's cost divided by the other's; a cell is a column"+
		" of the row's table.", met, all)
	if d.Runs < leastRuns {
		text += fmt.Sprintf(" These are of %d rounds only; at least %d are called for.", d.Runs, leastRuns)
	}
	return Section{Title: "Targets", Text: text, Tables: []Table{table}}
}

// leastRuns is the number of rounds from which on a median counts.
const leastRuns = 10

// Markdown renders the section.
func (s *Section) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", s.Title)
	if s.Text != "" {
		fmt.Fprintf(&b, "%s\n\n", s.Text)
	}
	if s.Workload != "" {
		fmt.Fprintf(&b, "To repeat it, in benchmarks/: `go run . -only '^%s$'`.\n\n", s.Workload)
	}
	for i := range s.Tables {
		s.Tables[i].markdown(&b)
	}
	for _, f := range s.Figures {
		fmt.Fprintf(&b, "![%s](%s)\n\n", f.Title, f.File)
	}
	return b.String()
}

// markdown aligns the columns, since the tables are also read in a terminal: text to
// the left, figures to the right.
func (t *Table) markdown(b *strings.Builder) {
	if t.Title != "" {
		fmt.Fprintf(b, "%s:\n\n", t.Title)
	}
	widths := make([]int, len(t.Header))
	for _, row := range append([][]string{t.Header}, t.Rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), len("-:"))
		}
	}
	text := max(t.Text, 1)
	line := func(cells []string) {
		for i, cell := range cells {
			width := widths[i]
			if i < text {
				width = -width // to the left
			}
			fmt.Fprintf(b, "| %*s ", width, cell)
		}
		b.WriteString("|\n")
	}
	rule := make([]string, len(widths))
	for i, width := range widths {
		end := ":"
		if i < text {
			end = "-"
		}
		rule[i] = strings.Repeat("-", width-1) + end
	}
	line(t.Header)
	line(rule)
	for _, row := range t.Rows {
		line(row)
	}
	b.WriteString("\n")
}
