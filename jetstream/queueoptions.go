package jetstream

import (
	"time"
)

// settings are what a queue is like for everybody who uses it. They are stored with
// it.
type settings struct {
	Levels   int           `json:"levels"`
	Replicas int           `json:"replicas"`
	Lease    time.Duration `json:"lease"`
	Window   time.Duration `json:"window"`
	MaxTasks int64         `json:"max_tasks"` // 0: no bound
	MaxBytes int64         `json:"max_bytes"` // 0: no bound
	Results  time.Duration `json:"results"`   // how long they are kept; 0: not at all
}

func defaultSettings() settings {
	return settings{Levels: 1, Replicas: 1, Lease: 30 * time.Second, Window: 2 * time.Minute}
}

// bounded reports whether the queue refuses tasks when it is full. The server cannot
// delay tasks then.
func (s *settings) bounded() bool { return s.MaxTasks > 0 || s.MaxBytes > 0 }

// queueConfig is what the options of NewQueue say.
type queueConfig struct {
	codec       Codec
	set         []func(*settings) // what was asked for, on top of what is there
	reconfigure bool
}

// QueueOption configures a [Queue]. Those that say what the queue is like hold for
// all who use it: they are needed by whoever makes it, and later must be the same or
// not be given; see [Reconfigure].
type QueueOption interface{ apply(c *queueConfig) error }

type queueOption func(*queueConfig) error

func (o queueOption) apply(c *queueConfig) error { return o(c) }

func setting(set func(*settings)) QueueOption {
	return queueOption(func(c *queueConfig) error {
		c.set = append(c.set, set)
		return nil
	})
}

func badQueueOption(format string, args ...any) QueueOption {
	return queueOption(func(*queueConfig) error { return invalidOption(format, args...) })
}

// WithCodec says how payloads and results are written. The default is [JSON].
func WithCodec(codec Codec) QueueOption {
	return queueOption(func(c *queueConfig) error {
		if codec == nil {
			return invalidOption("codec is nil")
		}
		c.codec = codec
		return nil
	})
}

// maxLevels bounds Levels: each costs a consumer, and an empty one a request.
const maxLevels = 16

// Levels is the number of priorities, 1 to 16: a task has one from 0 to n-1, and the
// highest is served first. The default is 1, for priority 0.
func Levels(n int) QueueOption {
	if n < 1 || n > maxLevels {
		return badQueueOption("%d levels are not from 1 to %d", n, maxLevels)
	}
	return setting(func(s *settings) { s.Levels = n })
}

// minLease leaves the time for a few extensions.
const minLease = time.Second

// Lease is how long a task stays with a node of which nothing is heard: then another
// one is given it. A node extends the leases of the tasks that its handlers have. The
// default is 30 s, the least 1 s.
func Lease(lease time.Duration) QueueOption {
	if lease < minLease {
		return badQueueOption("lease %v < %v", lease, minLease)
	}
	return setting(func(s *settings) { s.Lease = lease })
}

// Window is how long the ID of a task is remembered: what is submitted with the same
// one meanwhile is taken for the same task. The default is 2 min.
func Window(window time.Duration) QueueOption {
	if window < 100*time.Millisecond {
		return badQueueOption("window %v < 100ms", window)
	}
	return setting(func(s *settings) { s.Window = window })
}

// MaxTasks bounds the tasks without an outcome: to submit one more is
// messages.ErrQueueFull. The default, and 0, is no bound. A queue with a bound takes no
// delayed tasks: the server does not have both.
func MaxTasks(n int64) QueueOption {
	if n < 0 {
		return badQueueOption("at most %d tasks", n)
	}
	return setting(func(s *settings) { s.MaxTasks = n })
}

// MaxBytes bounds what the tasks without an outcome take in the store: beyond, to
// submit is messages.ErrQueueFull. The default, and 0, is no bound. As with [MaxTasks],
// no tasks are delayed.
func MaxBytes(n int64) QueueOption {
	if n < 0 {
		return badQueueOption("at most %d bytes", n)
	}
	return setting(func(s *settings) { s.MaxBytes = n })
}

// Results has what tasks come to kept for so long, for [Await]. The default is not to.
func Results(keep time.Duration) QueueOption {
	if keep < time.Second {
		return badQueueOption("results kept for %v < 1s", keep)
	}
	return setting(func(s *settings) { s.Results = keep })
}

// Reconfigure changes a queue that has other settings, instead of failing with
// [ErrQueueDiffers]. The number of levels can only grow, and a queue without a bound
// cannot have one. Those who have opened the queue go by the settings that it had then
// until they open it again: with a shorter lease they lose tasks that they are at, and
// of new levels they take none.
func Reconfigure() QueueOption {
	return queueOption(func(c *queueConfig) error {
		c.reconfigure = true
		return nil
	})
}
