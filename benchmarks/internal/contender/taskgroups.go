package contender

import (
	"context"

	"github.com/alitto/pond/v2"
	"github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe/actors"
)

// TaskGroups are ways to do a group of tasks that have answers. The tasks of Troupe are
// payloads, those of its peers closures, each of which is allocated for its task.
func TaskGroups() []GroupContender {
	return []GroupContender{
		{Name: NameFutures, Open: openFutures()},
		{Name: NameFuturesCanceled, Variant: true, Open: openFutures(actors.CancelWithContext())},
		{Name: NameGroupWait, Open: openGroup(waitForGroup)},
		{Name: NameGroupAnswers, Open: openGroup(readGroup)},
		{Name: NamePondGroup, Variant: true, Open: openPondGroup},
		{Name: NamePondResults, Open: openPondResults},
		{Name: NameErrgroupSlice, Open: openErrgroupSlice},
		{Name: NameConcResults, Variant: true, Open: openConcResults},
	}
}

func openFutures(options ...actors.TaskOption) doing {
	return func(ctx context.Context, size int, do func(int)) (GroupPool, error) {
		tasks, err := NewTroupe(size, do)
		if err != nil {
			return GroupPool{}, err
		}
		all := func(count int) error {
			futures := make([]*actors.Future[int], count)
			for n := range futures {
				future, err := tasks.Submit(ctx, n, options...)
				if err != nil {
					return err
				}
				futures[n] = future
			}
			var answers tally
			for _, future := range futures {
				answer, err := future.Wait(ctx)
				if err != nil {
					return err
				}
				answers.add(answer)
			}
			return answers.check(count)
		}
		return GroupPool{Do: all, Close: (&troupe{tasks}).Close}, nil
	}
}

// openGroup opens a pool whose groups end in one of two ways.
func openGroup(end func(group *actors.Group[int, int], tasks int) error) doing {
	return func(ctx context.Context, size int, do func(int)) (GroupPool, error) {
		tasks, err := NewTroupe(size, do)
		if err != nil {
			return GroupPool{}, err
		}
		all := func(count int) error {
			group := tasks.Group(ctx, actors.FailFast())
			for n := range count {
				if err := group.Submit(n); err != nil {
					return err
				}
			}
			return end(group, count)
		}
		return GroupPool{Do: all, Close: (&troupe{tasks}).Close}, nil
	}
}

func waitForGroup(group *actors.Group[int, int], _ int) error { return group.Wait() }

func readGroup(group *actors.Group[int, int], tasks int) error {
	var answers tally
	for answer := range group.Answers() {
		if answer.Err != nil {
			return answer.Err
		}
		answers.add(answer.Out)
	}
	return answers.check(tasks)
}

func openPondGroup(ctx context.Context, size int, do func(int)) (GroupPool, error) {
	tasks := pond.NewPool(size)
	all := func(count int) error { return pondGroup(tasks.NewGroupContext(ctx), do, count) }
	return GroupPool{Do: all, Close: (&pondPool{pool: tasks}).Close}, nil
}

// pondGroup does a group of closures.
func pondGroup(group pond.TaskGroup, do func(int), tasks int) error {
	for n := range tasks {
		group.SubmitErr(func() error {
			do(n)
			return nil
		})
	}
	return group.Wait()
}

func openPondResults(ctx context.Context, size int, do func(int)) (GroupPool, error) {
	tasks := pond.NewResultPool[int](size)
	all := func(count int) error {
		group := tasks.NewGroupContext(ctx)
		for n := range count {
			group.SubmitErr(func() (int, error) {
				do(n)
				return n, nil
			})
		}
		answers, err := group.Wait()
		if err != nil {
			return err
		}
		return checkAll(answers, count)
	}
	return GroupPool{Do: all, Close: func() error {
		tasks.StopAndWait()
		return nil
	}}, nil
}

func openErrgroupSlice(ctx context.Context, size int, do func(int)) (GroupPool, error) {
	all := func(count int) error {
		answers := make([]int, count)
		group, _ := errgroup.WithContext(ctx)
		group.SetLimit(size)
		for n := range count {
			group.Go(func() error {
				do(n)
				answers[n] = n
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		return checkAll(answers, count)
	}
	return GroupPool{Do: all, Close: nothing}, nil
}

func openConcResults(ctx context.Context, size int, do func(int)) (GroupPool, error) {
	all := func(count int) error {
		group := pool.NewWithResults[int]().WithMaxGoroutines(size).WithContext(ctx).WithCancelOnError().WithFirstError()
		for n := range count {
			group.Go(func(context.Context) (int, error) {
				do(n)
				return n, nil
			})
		}
		answers, err := group.Wait()
		if err != nil {
			return err
		}
		return checkAll(answers, count)
	}
	return GroupPool{Do: all, Close: nothing}, nil
}
