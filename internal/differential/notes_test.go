package differential_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Who takes notes.
const (
	caller      = "caller" // the goroutine that plays the scenario
	senders     = "senders"
	routees     = "routees"
	watchers    = "watchers"
	deadLetters = "dead letters"
)

// notes are what everybody has seen.
type notes struct {
	mu      sync.Mutex
	act     int                         // guarded by mu
	seen    map[string][]string         // guarded by mu; by who has seen it
	routees map[int]map[string][]string // guarded by mu; by the act and the routee
}

func newNotes() *notes {
	return &notes{seen: make(map[string][]string), routees: make(map[int]map[string][]string)}
}

// note adds a line to the notes of anybody but a routee.
func (n *notes) note(who, format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seen[who] = append(n.seen[who], fmt.Sprintf(format, args...))
}

// noteRoutee adds a line to the notes of a routee.
func (n *notes) noteRoutee(id, format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.routees[n.act] == nil {
		n.routees[n.act] = make(map[string][]string)
	}
	n.routees[n.act][id] = append(n.routees[n.act][id], fmt.Sprintf(format, args...))
}

// next begins another act. What routees do in different acts is not compared as one
// sequence, since it is not promised who has the next turn.
func (n *notes) next() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.act++
}

// result returns the notes with a line for each fact, sorted where the order is not
// promised.
func (n *notes) result(view view) map[string][]string {
	n.mu.Lock()
	defer n.mu.Unlock()
	result := make(map[string][]string)
	for who, lines := range n.seen {
		result[who] = slices.Clone(lines)
		if who != caller {
			slices.Sort(result[who])
		}
		result[who] = repeated(result[who])
	}
	for _, act := range slices.Sorted(maps.Keys(n.routees)) {
		var lines []string
		for _, sequence := range n.routees[act] {
			lines = append(lines, view(sequence)...)
		}
		slices.Sort(lines)
		for _, line := range repeated(lines) {
			result[routees] = append(result[routees], fmt.Sprintf("%d: %s", act+1, line))
		}
	}
	return result
}

// A view returns what a kind of dispatch promises of the sequence that one routee sees.
type view func(sequence []string) []string

// bySequence compares the whole sequence of each routee.
func bySequence(sequence []string) []string { return []string{strings.Join(repeated(sequence), ", ")} }

// bySum compares only what all routees see together.
func bySum(sequence []string) []string { return sequence }

// byKey compares the sequences of each key, and where they are interrupted.
func byKey(sequence []string) []string {
	keys := make(map[string][]string)
	var lines []string
	for _, line := range sequence {
		if key, _, ok := strings.Cut(line, "."); ok {
			keys[key] = append(keys[key], line)
		} else {
			lines = append(lines, line)
		}
	}
	for _, sequence := range keys {
		lines = append(lines, strings.Join(repeated(sequence), ", "))
	}
	return lines
}

// repeated says how often a line follows itself.
func repeated(lines []string) []string {
	var result []string
	for i := 0; i < len(lines); {
		n := 1
		for i+n < len(lines) && lines[i+n] == lines[i] {
			n++
		}
		if n == 1 {
			result = append(result, lines[i])
		} else {
			result = append(result, fmt.Sprintf("%d × %s", n, lines[i]))
		}
		i += n
	}
	return result
}
