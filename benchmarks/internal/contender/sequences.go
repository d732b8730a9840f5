package contender

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe/actors"
)

// aheadOf is how many inputs for each worker are pulled before their answers are
// consumed: what Map and Each do by default, and the programs written by hand as well.
const aheadOf = 2

// Sequences are ways to do a sequence of tasks and to read the answers in one loop.
func Sequences() []GroupContender {
	return []GroupContender{
		{Name: NameMap, Open: openSequence(readMap)},
		{Name: NameEach, Open: openSequence(readEach)},
		{Name: NameErrgroupWorkers, Open: openErrgroupWorkers},
		{Name: NameErrgroupTasks, Open: openErrgroupTasks},
	}
}

// openSequence opens a pool for one of the two ways to read a sequence.
func openSequence(read func(context.Context, *actors.Pool[int, int], int) error) doing {
	return func(ctx context.Context, size int, do func(int)) (GroupPool, error) {
		tasks, err := NewTroupe(size, do)
		if err != nil {
			return GroupPool{}, err
		}
		all := func(count int) error { return read(ctx, tasks, count) }
		return GroupPool{Do: all, Close: (&troupe{tasks}).Close}, nil
	}
}

func readMap(ctx context.Context, tasks *actors.Pool[int, int], count int) error {
	want := 0
	for answer, err := range tasks.Map(ctx, upTo(count)) {
		if err != nil {
			return err
		}
		if answer != want {
			return fmt.Errorf("answer %d was %d", want, answer)
		}
		want++
	}
	if want != count {
		return fmt.Errorf("%d answers to %d tasks", want, count)
	}
	return nil
}

func readEach(ctx context.Context, tasks *actors.Pool[int, int], count int) error {
	var answers tally
	for answer := range tasks.Each(ctx, upTo(count)) {
		if answer.Err != nil {
			return answer.Err
		}
		answers.add(answer.Out)
	}
	return answers.check(count)
}

// upTo yields the numbers below n.
func upTo(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// openErrgroupWorkers starts a goroutine for each worker, with a channel for the inputs
// and one for the answers. The first error would end all.
func openErrgroupWorkers(ctx context.Context, size int, do func(int)) (GroupPool, error) {
	all := func(count int) error {
		group, ctx := errgroup.WithContext(ctx)
		ins := make(chan int, aheadOf*size-size) // a worker has one in hand
		outs := make(chan int, size)
		group.Go(func() error {
			defer close(ins)
			for n := range upTo(count) {
				if err := put(ctx, ins, n); err != nil {
					return err
				}
			}
			return nil
		})
		var workers sync.WaitGroup
		workers.Add(size)
		for range size {
			group.Go(func() error {
				defer workers.Done()
				for n := range ins {
					do(n)
					if err := put(ctx, outs, n); err != nil {
						return err
					}
				}
				return nil
			})
		}
		group.Go(func() error {
			workers.Wait()
			close(outs)
			return nil
		})
		return readAnswers(group, outs, count)
	}
	return GroupPool{Do: all, Close: nothing}, nil
}

// openErrgroupTasks starts a goroutine for each task, with a channel for the answers.
func openErrgroupTasks(ctx context.Context, size int, do func(int)) (GroupPool, error) {
	all := func(count int) error {
		tasks, ctx := errgroup.WithContext(ctx)
		tasks.SetLimit(size)
		outs := make(chan int, aheadOf*size-size) // a task waits for room in its goroutine
		var feeder errgroup.Group
		feeder.Go(func() error {
			defer close(outs)
			for n := range upTo(count) {
				tasks.Go(func() error {
					do(n)
					return put(ctx, outs, n)
				})
			}
			return tasks.Wait()
		})
		return readAnswers(&feeder, outs, count)
	}
	return GroupPool{Do: all, Close: nothing}, nil
}

func put(ctx context.Context, channel chan<- int, n int) error {
	select {
	case channel <- n:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func readAnswers(group *errgroup.Group, outs <-chan int, count int) error {
	var answers tally
	for answer := range outs {
		answers.add(answer)
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return answers.check(count)
}
