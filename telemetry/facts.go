package telemetry

import (
	"math"
	"strings"
	"time"

	"github.com/troupe-go/troupe/messages"
)

// A kind says how figures add up.
type kind int

const (
	counter kind = iota + 1 // only ever grows
	level                   // goes up and down; those of several pools may be summed
	gauge                   // goes up and down; a sum of them means nothing
)

// A fact is what every pool has one figure for, or one for each value of a label.
type fact struct {
	prometheus, otel string // its names
	help             string
	unit             string // by UCUM, as OpenTelemetry has it
	kind             kind
	label            string // its label or attribute besides the pool; empty: none
	read             func(s *messages.Stats, say say)
}

// say takes a figure. of is the value of the fact's label, empty if it has none.
type say func(figure float64, of string)

// facts are all facts but the histograms. Each is described here and nowhere else.
func facts() []fact {
	return []fact{
		{
			"troupe_tasks_submitted_total", "troupe.tasks.submitted",
			"Tasks that the pool has accepted.",
			"{task}", counter, "",
			one(func(s *messages.Stats) float64 { return float64(s.Submitted) }),
		},
		{
			"troupe_tasks_settled_total", "troupe.tasks.settled",
			"Accepted tasks that have their outcome.",
			"{task}", counter, "outcome", readSettled,
		},
		{
			"troupe_tasks_rejected_total", "troupe.tasks.rejected",
			"Tasks that the pool has not accepted.",
			"{task}", counter, "reason", readRejected,
		},
		{
			"troupe_task_retries_total", "troupe.tasks.retries",
			"Attempts that failed and were not to be the last of their tasks.",
			"{attempt}", counter, "",
			one(func(s *messages.Stats) float64 { return float64(s.Retries) }),
		},
		{
			"troupe_tasks_running", "troupe.tasks.running",
			"Tasks that a handler works on, without those that have their outcome already.",
			"{task}", level, "",
			one(func(s *messages.Stats) float64 { return float64(s.Running) }),
		},
		{
			"troupe_longest_running_task_seconds", "troupe.tasks.longest_run",
			"How long the oldest attempt that still runs has taken.",
			"s", gauge, "",
			one(func(s *messages.Stats) float64 { return s.LongestRunning.Seconds() }),
		},
		{
			"troupe_queue_depth", "troupe.queue.depth",
			"Tasks that are queued, for their first attempt or a further one.",
			"{task}", level, "",
			one(func(s *messages.Stats) float64 { return float64(s.Queued) }),
		},
		{
			"troupe_queue_capacity", "troupe.queue.capacity",
			"Tasks that may wait, beyond those that a free worker is about to take.",
			"{task}", gauge, "", one(capacity),
		},
		{
			"troupe_queue_oldest_age_seconds", "troupe.queue.oldest_age",
			"How long the oldest queued task that could be begun has waited.",
			"s", gauge, "",
			one(func(s *messages.Stats) float64 { return s.OldestQueued.Seconds() }),
		},
		{
			"troupe_workers", "troupe.workers.count",
			"Workers by what they are doing.",
			"{worker}", level, "state", readWorkers,
		},
		{
			"troupe_worker_restarts_total", "troupe.workers.restarts",
			"Restarts of workers by the pool's supervision.",
			"{restart}", counter, "",
			one(func(s *messages.Stats) float64 { return float64(s.Restarts) }),
		},
		{
			"troupe_workers_replaced_total", "troupe.workers.replaced",
			"Workers that stopped and were replaced.",
			"{worker}", counter, "",
			one(func(s *messages.Stats) float64 { return float64(s.Replaced) }),
		},
		{
			"troupe_workers_recycled_total", "troupe.workers.recycled",
			"Workers recycled for their number of tasks, their age, or idleness.",
			"{worker}", counter, "",
			one(func(s *messages.Stats) float64 { return float64(s.Recycled) }),
		},
		{
			"troupe_workers_lost", "troupe.workers.lost",
			"Workers that are gone for good: the pool is degraded by as many.",
			"{worker}", level, "",
			one(func(s *messages.Stats) float64 { return float64(s.Lost) }),
		},
		{
			"troupe_handlers_abandoned", "troupe.handlers.abandoned",
			"Handlers that the watchdog has abandoned and that have not returned.",
			"{handler}", level, "",
			one(func(s *messages.Stats) float64 { return float64(s.Abandoned) }),
		},
		{
			"troupe_handlers_overdue", "troupe.handlers.overdue",
			"Handlers that go on though their tasks have timed out or were canceled, and that keep their workers.",
			"{handler}", level, "", one(overdue),
		},
		{
			"troupe_reported", "troupe.reported",
			"What the workers have reported of their own work, by the names that they gave it.",
			"1", level, "name", readReported,
		},
		{
			"troupe_quarantine_tasks", "troupe.quarantine.tasks",
			"Tasks in quarantine.",
			"{task}", level, "",
			one(func(s *messages.Stats) float64 { return float64(s.InQuarantine) }),
		},
		{
			"troupe_pool_paused", "troupe.pool.paused",
			"Whether the pool is paused: 1 if it is, else 0.",
			"1", gauge, "", one(paused),
		},
		{
			"troupe_utilization_ratio", "troupe.pool.utilization",
			"Share of the workers' time spent on tasks in the last ten seconds, 0 to 1.",
			"1", gauge, "",
			one(func(s *messages.Stats) float64 { return s.Utilization }),
		},
	}
}

// one is a fact without a label.
func one(figure func(s *messages.Stats) float64) func(*messages.Stats, say) {
	return func(s *messages.Stats, say say) { say(figure(s), "") }
}

// capacity is infinite for an unbounded queue.
func capacity(s *messages.Stats) float64 {
	if s.QueueCapacity == math.MaxInt {
		return math.Inf(1)
	}
	return float64(s.QueueCapacity)
}

func paused(s *messages.Stats) float64 {
	if s.Paused {
		return 1
	}
	return 0
}

func overdue(s *messages.Stats) (n float64) {
	for i := range s.Workers {
		if s.Workers[i].Settled {
			n++
		}
	}
	return n
}

// readReported adds up what has the same name in UTF-8, as labels must be.
func readReported(s *messages.Stats, say say) {
	reported := make(map[string]int64, len(s.Custom))
	for name, n := range s.Custom {
		reported[strings.ToValidUTF8(name, "\ufffd")] += n
	}
	for name, n := range reported {
		say(float64(n), name)
	}
}

func readSettled(s *messages.Stats, say say) {
	settled := [messages.Outcomes + 1]int64{
		messages.Succeeded:   s.Succeeded,
		messages.Failed:      s.Failed,
		messages.Panicked:    s.Panicked,
		messages.TimedOut:    s.TimedOut,
		messages.Canceled:    s.Canceled,
		messages.Dropped:     s.Dropped,
		messages.Quarantined: s.Quarantined,
	}
	for outcome := messages.Succeeded; outcome <= messages.Quarantined; outcome++ {
		say(float64(settled[outcome]), snake(outcome))
	}
}

func readRejected(s *messages.Stats, say say) {
	for reason := range messages.Reason(messages.Reasons + 1) {
		say(float64(s.Rejections[reason]), reason.String())
	}
}

func readWorkers(s *messages.Stats, say say) {
	var states [messages.WorkerSidelined + 1]int
	for i := range s.Workers {
		states[s.Workers[i].State]++
	}
	for state := messages.WorkerIdle; state <= messages.WorkerSidelined; state++ {
		say(float64(states[state]), state.String())
	}
}

// snake is an outcome as the value of a label.
func snake(outcome messages.Outcome) string {
	return strings.ReplaceAll(outcome.String(), " ", "_")
}

// nanoseconds are a second.
const nanoseconds = float64(time.Second)

// The histograms.
const (
	waitPrometheus, waitOTel = "troupe_task_wait_seconds", "troupe.tasks.wait"
	waitHelp                 = "How long tasks waited for an attempt, from their admission or from the time that the attempt was due."

	runPrometheus, runOTel = "troupe_task_run_seconds", "troupe.tasks.run"
	runHelp                = "How long attempts took."
)

// bounds are those of the histograms' buckets: two for each power of ten.
func bounds() []time.Duration {
	var list []time.Duration
	for unit := time.Microsecond; unit <= 10*time.Second; unit *= 10 {
		list = append(list, unit, 3*unit)
	}
	return append(list, time.Minute, 3*time.Minute, 10*time.Minute)
}
