package soak_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// This file has the ways to submit several tasks together, or bound to a context.

// each submits the deed among others by an Each, whose context may end early.
func (st *fixture) each(d deedOf, options []actors.TaskOption) {
	ctx, cancel := st.patience()
	defer cancel()
	if rand.N(2) == 0 {
		options = append(options, actors.Ahead(1+rand.N(3)))
	}
	pulled, answers := 0, 0
	ins := func(yield func(deedOf) bool) {
		for _, d := range append(st.more(), d) {
			if pulled++; !yield(d) {
				return
			}
		}
	}
	for a := range st.pool.Each(ctx, ins, options...) {
		answers++
		st.checkAnswer(&a)
		if st.submitted(rejection(&a)) {
			st.hear(a.Outcome)
		}
	}
	assert.Equal(st.t, pulled, answers, "Each answers every input")
}

// group submits the deed among others by a group, which may fail fast, be bounded, and have
// a context that ends early.
func (st *fixture) group(d deedOf, options []actors.TaskOption) {
	ctx, cancel := st.patience()
	defer cancel()
	var limits []actors.GroupOption
	if rand.N(2) == 0 {
		limits = append(limits, actors.FailFast())
	}
	if rand.N(2) == 0 {
		limits = append(limits, actors.MaxInFlight(1+rand.N(3)))
	}
	group := st.pool.Group(ctx, limits...)
	accepted, rejected, faults := 0, 0, 0
	for _, d := range append([]deedOf{d}, st.more()...) {
		if st.submitted(group.Submit(d, options...)) {
			accepted++
		} else {
			faults++
			rejected++
		}
	}
	early := rand.N(2) == 0
	var err error
	if early {
		err = group.Wait()
	}
	for a := range group.Answers() {
		if a.Outcome == messages.Rejected { // Submit has said so
			rejected--
			continue
		}
		accepted--
		if a.Err != nil {
			faults++
		}
		st.checkAnswer(&a)
		st.hear(a.Outcome)
	}
	if !early {
		err = group.Wait()
	}
	assert.Zero(st.t, accepted, "a group answers every task that was accepted, once")
	assert.Zero(st.t, rejected, "and every input that was rejected")
	assert.Equal(st.t, faults == 0, err == nil, "Wait returned %v, with %d errors", err, faults)
}

// more are further deeds of an Each or a group.
func (st *fixture) more() (deeds []deedOf) {
	for range rand.N(5) {
		f := drawFault()
		st.inject(faultNames[f])
		deeds = append(deeds, newDeed(f))
	}
	return deeds
}

// patience returns a context that may end early.
func (st *fixture) patience() (context.Context, context.CancelFunc) {
	switch rand.N(4) {
	case 0:
		st.inject("context ended")
		return context.WithTimeout(context.Background(), time.Duration(rand.N(3000))*time.Microsecond)
	case 1:
		return context.WithCancel(context.Background())
	default:
		return context.Background(), func() {}
	}
}

// checkAnswer checks an answer of an Each or a group.
func (st *fixture) checkAnswer(a *actors.Answer[deedOf, int]) {
	assert.NotNil(st.t, a.In.attempt, "an answer has its input")
	assert.Equal(st.t, a.Outcome == messages.Succeeded, a.Err == nil, "%+v", a)
	assert.GreaterOrEqual(st.t, min(a.Wait, a.Run), time.Duration(0))
}

// rejection is the error of an input that the pool has rejected; nil: it was accepted.
func rejection(a *actors.Answer[deedOf, int]) error {
	if a.Outcome == messages.Rejected {
		return a.Err
	}
	return nil
}

// submitBound submits a task that may be canceled by its context, and has functions called
// when it has been settled.
func (st *fixture) submitBound(d deedOf, options []actors.TaskOption) {
	ctx, cancel := st.patience()
	defer cancel()
	options = append(slices.Clone(options), actors.CancelWithContext())
	future, err := st.pool.Submit(ctx, d, options...)
	if !st.submitted(err) {
		return
	}
	var before, after atomic.Int32
	future.OnSettled(func() { before.Add(1); mischief() })
	_, err = future.Wait(context.Background())
	future.OnSettled(func() { after.Add(1); mischief() })
	outcome, settled := future.Outcome()
	result, told := future.Result()
	if assert.True(st.t, settled && told) {
		assert.Equal(st.t, outcome, result.Outcome)
		assert.Equal(st.t, err, result.Err)
		if d.fault != namesOutcome { // else the error of a canceled task may name another outcome as well
			assert.Equal(st.t, outcome, outcomeOfError(err))
		}
	}
	st.hear(outcome)
	st.hooks.expect(&before, &after)
}

// hooks has the counters of functions that must be called once.
type hooks struct{ counters chan [2]*atomic.Int32 }

func (h *hooks) expect(before, after *atomic.Int32) {
	h.counters <- [2]*atomic.Int32{before, after}
}

// check waits until every function has been called.
func (h *hooks) check(st *fixture) {
	for len(h.counters) > 0 {
		pair := <-h.counters
		assert.Eventually(st.t, func() bool { return pair[0].Load()+pair[1].Load() == 2 }, 30*time.Second, time.Millisecond,
			"called once after the task was settled")
		assert.LessOrEqual(st.t, max(pair[0].Load(), pair[1].Load()), int32(1))
	}
}

// identified is a middleware that checks the context of each attempt, and misbehaves.
func identified(next actors.Handler[deedOf, int]) actors.Handler[deedOf, int] {
	return func(ctx context.Context, d deedOf) (int, error) {
		mischief()
		out, err := next(ctx, d)
		mischief()
		if err == nil && out != 1 {
			panic("wrong output: " + strconv.Itoa(out))
		}
		return out, err
	}
}
