package model_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

// An account is all that is seen of a script that is carried out. All times are those
// since the bubble's own; 0 stands for never.
type account struct {
	tasks     []sighting
	snapshots []snapshot       // one before each step and one after it, and one when all is over
	retired   map[int][]int    // by step: what the workers had in hand that left by a resize; -1: nothing
	resized   map[int]string   // by step: what a resize returned
	waits     map[int]instants // by step: when a wait returned
	stops     map[int]report   // by step: what a shutdown or close returned
	workers   []string         // the IDs of the first workers, in dispatch order
	done      time.Duration    // when the last worker had stopped
	faults    []string         // what must never be seen
}

type instants []time.Duration

// A sighting is what is seen of one task.
type sighting struct {
	returned time.Duration // when Submit or Tell did
	refusal  string        // with which error
	told     time.Duration // when who waits for the answer was told
	what     string        // what
	begun    []time.Duration

	worker []string // who began it, each time; only predicted where the workers are named

	// Not predicted:
	ended    []time.Duration // when the handler had returned
	canceled time.Duration   // when its future was canceled
}

func (s sighting) String() string {
	text := fmt.Sprintf("told %q at %v, begun at %v", s.what, s.told, s.begun)
	if s.returned > 0 {
		text += fmt.Sprintf(", submission returned %q at %v", s.refusal, s.returned)
	}
	if len(s.worker) > 0 {
		text += fmt.Sprintf(", by %q, ended at %v", s.worker, s.ended)
	}
	return text
}

// A snapshot is what the statistics say that does not depend on who does what.
type snapshot struct {
	submitted, queued, running, rejected int64
	outcomes                             [messages.Outcomes + 1]int64
	delayed, retries, restarts, replaced int64
	size, busy                           int
	paused                               bool
	oldest                               time.Duration
	loads                                []load // of the workers, in dispatch order
}

func (s *snapshot) settled() (n int64) {
	for _, count := range s.outcomes {
		n += count
	}
	return n
}

func newSnapshot(s *messages.Stats) snapshot {
	shot := snapshot{
		submitted: s.Submitted, queued: s.Queued, running: s.Running, rejected: s.Rejected,
		delayed: s.Delayed, retries: s.Retries, restarts: s.Restarts, replaced: s.Replaced,
		size: s.Size, busy: s.Busy, paused: s.Paused, oldest: s.OldestQueued,
	}
	for o, n := range pooltest.Outcomes(s) {
		shot.outcomes[o] = n
	}
	for _, w := range s.Workers[:min(s.Size, len(s.Workers))] {
		shot.loads = append(shot.loads, load{w.Queued, w.State == messages.WorkerIdle})
	}
	return shot
}

// anyNumber stands for a number that is not predicted.
const anyNumber = -1

// A report is what a shutdown or a close returned, and when.
type report struct {
	at                          time.Duration
	err                         string
	finished, canceled, dropped int64
	abandoned                   int
}

func newReport(at time.Duration, r messages.DrainReport, err error) report {
	return report{at, describe(err), r.Finished, r.Canceled, r.Dropped, len(r.Abandoned)}
}

// The errors of the model's handlers.
var (
	errModel = errors.New("an error")
	errPanic = errors.New("a panic")
	errKill  = errors.New("a panic that is the end of the worker")
	errStart = errors.New("a failed start")
)

// describe says which of the known errors there are in err.
func describe(err error) string {
	if err == nil {
		return "none"
	}
	known := []struct {
		err  error
		name string
	}{
		{messages.ErrQueueFull, "queue full"},
		{messages.ErrPoolStopped, "pool stopped"},
		{messages.ErrTaskTimeout, "task timeout"},
		{messages.ErrCanceled, "canceled"},
		{messages.ErrDropped, "dropped"},
		{messages.ErrQuarantined, "quarantined"},
		{messages.ErrNoWorkers, "no workers"},
		{messages.ErrDeadlock, "deadlock"},
		{messages.ErrGoexit, "goexit"},
		{errModel, "error"},
		{errPanic, "panic"},
		{errKill, "kill"},
		{context.DeadlineExceeded, "deadline"},
		{context.Canceled, "context canceled"},
	}
	var names []string
	for _, k := range known {
		if errors.Is(err, k.err) {
			names = append(names, k.name)
		}
	}
	if len(names) == 0 {
		return err.Error()
	}
	return strings.Join(names, "+")
}

// describeResult says what an actor was told.
func describeResult(r *messages.Result) string {
	if r.Outcome == messages.Rejected {
		return "rejected: " + describe(r.Err)
	}
	return fmt.Sprintf("%v: %s; %d attempts; waited %v, ran %v", r.Outcome, describe(r.Err), r.Attempts, r.Wait, r.Run)
}

// answered is what an actor hears from a worker that is a user actor.
const answered = "answered"

// answer says what an actor is told of a task with this result.
func (s script) answer(r *messages.Result) string {
	if s.actors && r.Outcome == messages.Succeeded {
		return answered
	}
	return describeResult(r)
}

// differences are those between what was seen and what was predicted.
func (seen *account) differences(want *account, s *script) (list []string) {
	differ := func(what string, seen, want any) {
		if a, b := fmt.Sprintf("%+v", seen), fmt.Sprintf("%+v", want); a != b {
			list = append(list, fmt.Sprintf("%s:\n\tseen %s\n\twant %s", what, a, b))
		}
	}
	for i := range want.tasks {
		visible := seen.tasks[i]
		visible.ended, visible.canceled = nil, 0
		if !s.named() {
			visible.worker = nil
		}
		differ(fmt.Sprintf("task %d", i), visible, want.tasks[i])
	}
	for i := range want.snapshots {
		a, b := seen.snapshots[i], want.snapshots[i]
		if b.loads == nil {
			a.loads = nil
		}
		if s.actors && b.size == 0 {
			a.paused = b.paused // no message changes that any more
		}
		if s.short || s.retry.attempts > 0 {
			a.oldest, b.oldest = 0, 0 // short tasks are not stamped one by one
		}
		if b.restarts == anyNumber {
			a.restarts, a.replaced = anyNumber, anyNumber
		}
		differ(fmt.Sprintf("statistics around step %d", i/2), a, b)
	}
	differ("resizes", seen.resized, want.resized)
	for i, stop := range want.stops {
		got := seen.stops[i]
		if stop.abandoned == anyNumber {
			got.abandoned = anyNumber
		}
		differ(fmt.Sprintf("stop of step %d", i), got, stop)
	}
	differ("done", seen.done, want.done)
	for i, at := range want.waits {
		if len(seen.waits[i]) != 1 || !slices.Contains(at, seen.waits[i][0]) {
			differ(fmt.Sprintf("wait at step %d", i), seen.waits[i], at)
		}
	}
	return list
}
