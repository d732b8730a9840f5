package pooltest

import (
	"fmt"
	"strings"

	"github.com/troupe-go/troupe/messages"
)

// Ledger returns what has become of the tasks of a pool, such as "1 running, 2 succeeded".
func Ledger(s *messages.Stats) string {
	var entries []string
	add := func(n int64, what any) {
		if n != 0 {
			entries = append(entries, fmt.Sprintf("%d %v", n, what))
		}
	}
	add(s.Queued, "queued")
	add(s.Running, "running")
	outcomes := Outcomes(s)
	for o := messages.Succeeded; int(o) <= messages.Outcomes; o++ {
		add(outcomes[o], o)
	}
	return strings.Join(entries, ", ")
}
