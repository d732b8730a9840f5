package troupetest

import (
	"bytes"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
)

// goroutines are one or more with the same stack.
type goroutines struct {
	count int
	stack string
}

// labeled returns the goroutines whose label has the given value, except those that run
// tests.
func labeled(value string) []goroutines {
	var text bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&text, 1); err != nil {
		return []goroutines{{1, "the profile of the goroutines cannot be read: " + err.Error()}}
	}
	return parse(text.String(), value)
}

// parse reads a profile of goroutines in text form: one paragraph for each stack, with the
// number of goroutines first and a line that has their labels.
func parse(profile, value string) (list []goroutines) {
	label := strconv.Quote(labelKey) + ":" + strconv.Quote(value)
	for paragraph := range strings.SplitSeq(profile, "\n\n") {
		lines := strings.Split(strings.TrimSpace(paragraph), "\n")
		at := slices.IndexFunc(lines, func(line string) bool {
			return strings.HasPrefix(line, "# labels:") && strings.Contains(line, label)
		})
		if at < 1 {
			continue
		}
		g := goroutines{count: 1}
		if n, _, ok := strings.Cut(lines[at-1], " @ "); ok {
			g.count, _ = strconv.Atoi(n)
		}
		g.stack = stackOf(lines[at+1:])
		if !runsTest(g.stack) {
			list = append(list, g)
		}
	}
	return list
}

// stackOf makes a stack more readable: the lines have a # sign, an address, a function with
// an offset, and a place in a file.
func stackOf(lines []string) string {
	var stack strings.Builder
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 4 {
			stack.WriteString(line + "\n")
			continue
		}
		function := fields[2]
		if i := strings.LastIndexByte(function, '+'); i > 0 {
			function = function[:i]
		}
		stack.WriteString(function + "\n\t" + strings.Join(fields[3:], " ") + "\n")
	}
	return strings.TrimSuffix(stack.String(), "\n")
}

// runsTest reports whether a stack is that of a test, of a benchmark, of a fuzz target, or of
// a bubble around them.
func runsTest(stack string) bool {
	for _, function := range []string{
		"testing.tRunner\n", "testing.fRunner\n", "testing.(*B).", "testing/synctest.", "troupetest.labeled\n",
	} {
		if strings.Contains(stack, function) {
			return true
		}
	}
	return false
}
