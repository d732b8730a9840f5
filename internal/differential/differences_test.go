package differential_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// listPath is the list of the differences. A block of it looks like this:
//
//	== the scenario
//	senders: round robin pool, random pool
//	because: the keys of one or more reasons
//	- what the senders see of the router only
//	+ what the senders see of the pool only
const listPath = "testdata/differences.txt"

// A difference is what one party sees of a router and of a pool, in one scenario.
type difference struct {
	scenario, who string
	router, pool  []string // lines that only one of them has
	subjects      []string // the kinds for which that is so, as pools or groups
	reasons       []string // keys of reasons
}

// differ returns how the notes of one party differ, or nil.
func differ(router, pool []string) *difference {
	if slices.Equal(router, pool) {
		return nil
	}
	d := &difference{router: without(router, pool), pool: without(pool, router)}
	if len(d.router)+len(d.pool) == 0 { // only the order differs
		d.router, d.pool = router, pool
	}
	return d
}

// without returns the lines that others does not have.
func without(lines, others []string) []string {
	others = slices.Clone(others)
	var rest []string
	for _, line := range lines {
		if i := slices.Index(others, line); i >= 0 {
			others = slices.Delete(others, i, i+1)
		} else {
			rest = append(rest, line)
		}
	}
	return rest
}

// same reports whether two differences are of the same lines.
func (d *difference) same(e *difference) bool {
	return slices.Equal(d.router, e.router) && slices.Equal(d.pool, e.pool)
}

// String returns the lines of a difference; of nil, that there is none.
func (d *difference) String() string {
	if d == nil {
		return "no difference"
	}
	var b strings.Builder
	for _, line := range d.router {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	for _, line := range d.pool {
		fmt.Fprintf(&b, "+ %s\n", line)
	}
	return b.String()
}

// A list is all differences.
type list []*difference

// readList reads the list from its file.
func readList(t *testing.T) list {
	t.Helper()
	text, err := os.ReadFile(listPath)
	require.NoError(t, err)
	var all list
	scenario := ""
	for number, line := range strings.Split(string(text), "\n") {
		where := fmt.Sprintf("%s:%d", listPath, number+1)
		last := func() *difference {
			require.NotEmpty(t, all, where)
			return all[len(all)-1]
		}
		switch key, rest, _ := strings.Cut(line, " "); key {
		case "":
		case "==":
			scenario = rest
		case "-":
			last().router = append(last().router, rest)
		case "+":
			last().pool = append(last().pool, rest)
		case "because:":
			last().reasons = strings.Split(rest, ", ")
		default:
			who, subjects, ok := strings.Cut(line, ": ")
			require.True(t, ok, where)
			all = append(all, &difference{scenario: scenario, who: who, subjects: strings.Split(subjects, ", ")})
		}
	}
	return all
}

// write replaces the file. Differences that are new have no reason, so that the tests fail
// until somebody has given one.
func (l list) write(t *testing.T) {
	t.Helper()
	var b strings.Builder
	scenario := ""
	for _, d := range l {
		if d.scenario != scenario {
			scenario = d.scenario
			fmt.Fprintf(&b, "\n== %s\n", scenario)
		}
		fmt.Fprintf(&b, "%s: %s\nbecause: %s\n%s", d.who, strings.Join(d.subjects, ", "), strings.Join(d.reasons, ", "), d)
	}
	require.NoError(t, os.WriteFile(listPath, []byte(b.String()[1:]), 0o600))
}

// add adds what a party sees of one subject to the list, unless that is nil. The reasons are those that the old
// list has for it.
func (l list) add(d *difference, scenario, who, subject string, old list) list {
	if d == nil {
		return l
	}
	for _, other := range l {
		if other.scenario == scenario && other.who == who && other.same(d) {
			other.subjects = append(other.subjects, subject)
			return l
		}
	}
	d.scenario, d.who, d.subjects = scenario, who, []string{subject}
	if listed := old.find(scenario, who, subject); listed != nil {
		d.reasons = listed.reasons
	}
	return append(l, d)
}

// find returns the difference that the list has for what a party sees of a subject, or nil.
func (l list) find(scenario, who, subject string) *difference {
	for _, d := range l {
		if d.scenario == scenario && d.who == who && slices.Contains(d.subjects, subject) {
			return d
		}
	}
	return nil
}
