package contender

import (
	"context"
	"fmt"
)

// The names of the contenders that do groups of tasks.
//
//nolint:gosec // none is a password
const (
	NameFutures         = "Troupe, Submit and Wait of futures"
	NameFuturesCanceled = "Troupe, futures with CancelWithContext"
	NameGroupWait       = "Troupe, group, Wait"
	NameGroupAnswers    = "Troupe, group, Answers"
	NamePondGroup       = "pond, group"
	NamePondResults     = "pond, group with results"
	NameErrgroupSlice   = "errgroup with a limit, into a slice"
	NameConcResults     = "conc, pool with results"

	NameFuncGroup      = "Troupe"
	NameFuncGroupPlain = "Troupe, no context"
	NamePondPlain      = "pond, no context"
	NameErrgroup       = "errgroup"
	NameErrgroupLimit  = "errgroup with a limit"
	NamePondSubpool    = "pond, a subpool for each group"
	NamePondSubpools   = "pond, one subpool"

	NameMap             = "Troupe, Map"
	NameEach            = "Troupe, Each"
	NameErrgroupWorkers = "errgroup, a goroutine per worker"
	NameErrgroupTasks   = "errgroup, a goroutine per task"
)

// A GroupContender is a way to do a number of tasks and to wait for all of them.
type GroupContender struct {
	Name string
	// Variant says that it differs from another contender only in what it costs the
	// pool, so that it is of interest only where tasks do nothing.
	Variant bool
	// Open makes a pool that does so many tasks at a time; do is called with the number
	// of each task. The end of ctx, which nothing but the program's end brings about,
	// cancels the tasks, where the contender can do that.
	Open func(ctx context.Context, size int, do func(n int)) (GroupPool, error)
}

// A GroupPool does groups of tasks, one group at a time.
type GroupPool struct {
	// Do does the tasks 0 up to a number, and returns when all have been done.
	Do    func(tasks int) error
	Close func() error
}

// doing is a way to open a GroupPool that is given its functions at once.
type doing = func(ctx context.Context, size int, do func(n int)) (GroupPool, error)

// nothing closes pools that last only as long as a group.
func nothing() error { return nil }

// A tally sums up the answers to a group's tasks, which are the tasks' numbers.
type tally struct{ answers, sum int }

func (t *tally) add(answer int) {
	t.answers++
	t.sum += answer
}

// check fails unless there was an answer to each task.
func (t *tally) check(tasks int) error {
	if t.answers != tasks || t.sum != tasks*(tasks-1)/2 {
		return fmt.Errorf("%d answers with a sum of %d to %d tasks", t.answers, t.sum, tasks)
	}
	return nil
}

// checkAll checks answers that came as a slice.
func checkAll(answers []int, tasks int) error {
	var t tally
	for _, answer := range answers {
		t.add(answer)
	}
	return t.check(tasks)
}
