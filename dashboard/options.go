package dashboard

import (
	"slices"

	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/internal/journal"
)

// Option configures a dashboard.
type Option interface{ apply(d *Dashboard) error }

type option func(*Dashboard) error

func (o option) apply(d *Dashboard) error { return o(d) }

// WithControls lets whoever can reach the dashboard pause, resume and resize pools, and
// requeue and delete quarantined tasks and dead letters. The default is that it shows and
// changes nothing.
func WithControls() Option {
	return option(func(d *Dashboard) error {
		d.controls = true
		return nil
	})
}

// WithPayload has the payloads of tasks shown, as format puts them. It is called when the
// handler is done with the task, on a goroutine of its own, and the task's waiter is told
// when it has returned, or after 100 ms. After that the text is "the formatter failed" until
// format returns; it may then read the payload while the submitter uses it. It is also called
// for the tasks in quarantine, whenever somebody looks at those. So it must be safe for
// concurrent use, also with a handler that has such a task again. 4 KiB of the text are
// kept. The payload of a task that was interrupted is not shown, for its handler may still
// work on it. The payload of a dead letter comes to format as a [DurablePayload], for what
// a durable queue stores is bytes, and no type of yours any more. The default is not to
// look at payloads.
func WithPayload(format func(payload any) string) Option {
	return option(func(d *Dashboard) error {
		if format == nil {
			return invalid.Option("payload formatter is nil")
		}
		d.payload = journal.Guarded(format)
		return nil
	})
}

// WithDurable has a page of its own show durable queues: what is in each, the nodes that it
// feeds, the servers that store it, and its dead letters. While somebody looks at the
// dashboard, each is asked every two seconds how it is, and is said to be unreachable if it
// has not answered after five. Their names must differ.
func WithDurable(queues ...DurableQueue) Option {
	return option(func(d *Dashboard) error {
		for _, queue := range queues {
			q, err := newDurable(queue)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(d.durables, func(other *durable) bool { return other.label == q.label }) {
				return invalid.Option("two durable queues are named %q", q.label)
			}
			d.durables = append(d.durables, q)
		}
		return nil
	})
}
