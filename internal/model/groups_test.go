package model_test

import (
	"context"
	"slices"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// A burst is a group of tasks that are submitted without a pause. What becomes of the tasks
// is what becomes of tasks that are told. The burst checks what the group says of them.
type burst struct {
	runner    *runner
	group     *actors.Group[int, int]
	submitted time.Duration
	accepted  int
	errors    map[time.Duration][]string // by when
	last      time.Duration              // when the last task was settled, or submitted
}

// burst submits n tasks, of which the first has the given number.
func (r *runner) burst(first, n int) {
	b := &burst{
		runner: r, group: r.typed.Group(context.Background()), submitted: r.now(), last: r.now(),
		errors: map[time.Duration][]string{},
	}
	for i := first; i < first+n; i++ {
		err := b.group.Submit(i, r.options(i, &r.tasks[i])...)
		r.note(func() { r.account.tasks[i].returned, r.account.tasks[i].refusal = r.now(), describe(err) })
		if err == nil {
			b.accepted++
		} else {
			b.errors[b.submitted] = append(b.errors[b.submitted], describe(err))
		}
	}
	var err error
	var at time.Duration
	r.apart("a group", func() {
		err = b.group.Wait()
		at = r.now()
	}, func() { b.checkLocked(slices.Collect(b.group.Answers()), err, at) })
}

// checkLocked checks the answers, and that Wait returned the first error when the last task
// was settled.
func (b *burst) checkLocked(answers []actors.Answer[int, int], err error, at time.Duration) {
	r := b.runner
	answers = slices.DeleteFunc(answers, func(a actors.Answer[int, int]) bool { return a.Outcome == messages.Rejected }) // Submit has told
	if len(answers) != b.accepted {
		r.faultLocked("%d answers of a group, %d tasks accepted", len(answers), b.accepted)
	}
	for _, a := range answers {
		settled := b.submitted + a.Wait + a.Run
		if settled < b.last {
			r.faultLocked("answers of a group in the wrong order: %+v", answers)
		}
		b.last = settled
		if begun := len(r.account.tasks[a.In].begun); a.Attempts != begun || (a.Err == nil) != (a.Outcome == messages.Succeeded) {
			r.faultLocked("answer of a group about a task, begun %d times: %+v", begun, a)
		}
		if a.Err != nil {
			b.errors[settled] = append(b.errors[settled], describe(a.Err))
		}
	}
	if at != b.last {
		r.faultLocked("Wait of a group returned at %v instead of %v", at, b.last)
	}
	if first := b.first(); err == nil && first != nil || err != nil && !slices.Contains(first, describe(err)) {
		r.faultLocked("Wait of a group returned %v, of the first errors %q", err, first)
	}
}

// first are the first errors. Several may have come at one instant.
func (b *burst) first() (errors []string) {
	earliest := time.Duration(-1)
	for at, of := range b.errors {
		if earliest < 0 || at < earliest {
			earliest, errors = at, of
		}
	}
	return errors
}
