package dashboard

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/messages"
)

// What is known of a durable queue.
const (
	unknown     = "unknown"     // nothing of late: it has not been asked
	reachable   = "reachable"   // it has said how it is
	unreachable = "unreachable" // it has been asked, to no avail
)

// queueJSON is a durable queue in a frame.
type queueJSON struct {
	Name    string       `json:"name"`
	State   string       `json:"state"`
	Level   level        `json:"level"`
	Alerts  []alert      `json:"alerts"`
	Error   string       `json:"error"`   // why it is unreachable
	Age     *float64     `json:"age"`     // of the figures, in seconds
	Figures *figuresJSON `json:"figures"` // null if there have been none
}

// figuresJSON is what a durable queue has said of itself. Times are in seconds.
type figuresJSON struct {
	Ready    int64        `json:"ready"`
	Delayed  int64        `json:"delayed"`
	InHand   int64        `json:"inHand"`
	Retrying int64        `json:"retrying"`
	Dead     int64        `json:"dead"`
	Oldest   float64      `json:"oldest"`
	Bytes    int64        `json:"bytes"`
	Levels   []levelJSON  `json:"levels"`
	Nodes    []nodeJSON   `json:"nodes"`
	Servers  []serverJSON `json:"servers"`
	NodesAll int          `json:"nodesAll"` // how many there are, shown or not
}

// levelJSON is what is in a queue of one priority.
type levelJSON struct {
	Priority int   `json:"priority"`
	Ready    int64 `json:"ready"`
	InHand   int64 `json:"inHand"`
}

// nodeJSON is a pool that is fed from the queue.
type nodeJSON struct {
	Node      string   `json:"node"`
	Pool      string   `json:"pool"`
	Up        *float64 `json:"up"`   // since it began
	Seen      *float64 `json:"seen"` // since it was heard of
	Workers   int      `json:"workers"`
	Busy      int      `json:"busy"`
	Held      int      `json:"held"`
	Acked     int64    `json:"acked"`
	Retried   int64    `json:"retried"`
	Dead      int64    `json:"dead"`
	GivenBack int64    `json:"givenBack"`
	Again     int64    `json:"again"`
}

// serverJSON is a server that stores the queue.
type serverJSON struct {
	Name    string  `json:"name"`
	Leader  bool    `json:"leader"`
	Current bool    `json:"current"`
	Lag     int64   `json:"lag"`
	Active  float64 `json:"active"`
}

// maxName is how many bytes of a name are shown that comes from elsewhere.
const maxName = 256

func newFiguresJSON(s *messages.DurableStats) *figuresJSON {
	at := s.At
	if at.IsZero() {
		at = time.Now()
	}
	f := &figuresJSON{
		Ready: s.Ready, Delayed: s.Delayed, InHand: s.InHand, Retrying: s.Retrying, Dead: s.Dead,
		Oldest: s.Oldest.Seconds(), Bytes: s.Bytes, NodesAll: len(s.Nodes),
		Levels: []levelJSON{}, Nodes: []nodeJSON{}, Servers: []serverJSON{},
	}
	for _, l := range s.Levels[:min(len(s.Levels), maxRows)] {
		f.Levels = append(f.Levels, levelJSON(l))
	}
	for _, n := range s.Nodes[:min(len(s.Nodes), maxRows)] {
		f.Nodes = append(f.Nodes, nodeJSON{
			Node: journal.Clip(n.Node, maxName), Pool: journal.Clip(n.Pool, maxName), Up: since(at, n.Since), Seen: since(at, n.Seen),
			Workers: n.Workers, Busy: n.Busy, Held: n.Held,
			Acked: n.Acked, Retried: n.Retried, Dead: n.Dead, GivenBack: n.GivenBack, Again: n.Again,
		})
	}
	for _, r := range s.Servers[:min(len(s.Servers), maxRows)] {
		f.Servers = append(f.Servers, serverJSON{journal.Clip(r.Name, maxName), r.Leader, r.Current, r.Lag, r.Active.Seconds()})
	}
	return f
}

// since is the time in seconds from an instant to another, or nil if that is not known.
// Their clocks may differ.
func since(at, instant time.Time) *float64 {
	if instant.IsZero() {
		return nil
	}
	span := max(at.Sub(instant), 0).Seconds()
	return &span
}

// alerts has the worst first. Of a queue that is not reachable, it is not known what else
// is wrong.
func (q *queueJSON) alerts() []alert {
	var alerts []alert
	add := func(level level, format string, args ...any) {
		alerts = append(alerts, alert{level, fmt.Sprintf(format, args...), "cluster", q.Name})
	}
	switch q.State {
	case unknown:
		return nil
	case unreachable:
		add(trouble, "unreachable: %s", q.Error)
		return alerts
	}
	f := q.Figures
	if f.NodesAll == 0 && f.Ready > 0 {
		add(trouble, "no node takes tasks from it: %s", count(int(f.Ready), "task is ready", "tasks are ready"))
	}
	for _, s := range f.Servers {
		if !s.Current {
			add(warning, "server %s is not current: %s behind, heard of %s ago",
				s.Name, count(int(s.Lag), "operation", "operations"), rough(time.Duration(s.Active*float64(time.Second))))
		}
	}
	if f.Dead > 0 {
		add(warning, "%s", count(int(f.Dead), "dead letter", "dead letters"))
	}
	slices.SortStableFunc(alerts, func(a, b alert) int { return cmp.Compare(b.Level, a.Level) })
	return alerts
}
