package model_test

import (
	"context"
	"slices"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// ask submits task n and returns its answer. A task of a group, or of an Each, ends as one
// that is asked for, so the ways to ask take turns.
func (r *runner) ask(ctx context.Context, n int, options []actors.TaskOption) (int, error) {
	switch n % 3 {
	case 0:
		return r.typed.Ask(ctx, n, options...)
	case 1:
		return r.answered(n, slices.Collect(r.typed.Each(ctx, slices.Values([]int{n}), options...)))
	}
	group := r.typed.Group(ctx, actors.FailFast(), actors.MaxInFlight(1))
	refusal := group.Submit(n, options...)
	err := group.Wait()
	answers := slices.Collect(group.Answers())
	if refusal != nil {
		if len(answers) != 1 || answers[0].Outcome != messages.Rejected || describe(err) != describe(refusal) {
			r.fault("task %d was rejected by its group: %v, %v, %+v", n, refusal, err, answers)
		}
		return 0, refusal
	}
	out, told := r.answered(n, answers)
	if describe(told) != describe(err) {
		r.fault("task %d of a group: the answer has %v, Wait returned %v", n, told, err)
	}
	return out, told
}

// answered checks the only answer about task n and returns what it says.
func (r *runner) answered(n int, answers []actors.Answer[int, int]) (int, error) {
	if len(answers) != 1 {
		r.fault("%d answers about task %d: %+v", len(answers), n, answers)
		return 0, nil
	}
	a := answers[0]
	begun := 0
	r.note(func() { begun = len(r.account.tasks[n].begun) })
	if a.In != n || (a.Err == nil) != (a.Outcome == messages.Succeeded) || a.Attempts != begun {
		r.fault("answer about task %d, begun %d times: %+v", n, begun, a)
	}
	return a.Out, a.Err
}
