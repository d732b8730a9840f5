package contender

import (
	"context"

	"github.com/alitto/pond/v2"
	"github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe/actors"
)

// FuncGroups are ways to do a group of functions. All get closures of one shape, each of
// which is allocated for its task. Unless the name says otherwise, a group has a context
// and ends with its first error.
func FuncGroups() []GroupContender {
	return []GroupContender{
		{Name: NameFuncGroup, Open: openFuncGroup(actors.FailFast())},
		{Name: NameFuncGroupPlain, Variant: true, Open: openFuncGroupPlain},
		{Name: NamePond, Open: openPondGroup},
		{Name: NamePondPlain, Variant: true, Open: openPondPlain},
		{Name: NameErrgroupLimit, Open: openErrgroupLimit},
		{Name: NameErrgroup, Open: openErrgroup},
		{Name: NameConc, Variant: true, Open: openConcGroup},
	}
}

// LimitedGroups are ways to do a group of functions, few of which run at a time, on a pool
// that has more workers.
func LimitedGroups(limit int) []GroupContender {
	// Those that have a goroutine for each task know no other size than the limit.
	limited := func(open doing) doing {
		return func(ctx context.Context, _ int, do func(int)) (GroupPool, error) { return open(ctx, limit, do) }
	}
	return []GroupContender{
		{Name: NameFuncGroup, Open: openFuncGroup(actors.FailFast(), actors.MaxInFlight(limit))},
		{Name: NamePondSubpool, Open: openPondSubpool(limit)},
		{Name: NamePondSubpools, Open: openPondSubpools(limit)},
		{Name: NameErrgroupLimit, Open: limited(openErrgroupLimit)},
		{Name: NameConc, Open: limited(openConcGroup)},
	}
}

func openFuncGroup(options ...actors.GroupOption) doing {
	return func(ctx context.Context, size int, do func(int)) (GroupPool, error) {
		functions, err := NewFuncPool(size)
		if err != nil {
			return GroupPool{}, err
		}
		all := func(count int) error {
			group := functions.Group(ctx, options...)
			for n := range count {
				group.Go(func(context.Context) error {
					do(n)
					return nil
				})
			}
			return group.Wait()
		}
		return GroupPool{Do: all, Close: (&funcPool{pool: functions}).Close}, nil
	}
}

func openFuncGroupPlain(_ context.Context, size int, do func(int)) (GroupPool, error) {
	return openFuncGroup()(context.Background(), size, do)
}

func openPondPlain(_ context.Context, size int, do func(int)) (GroupPool, error) {
	tasks := pond.NewPool(size)
	all := func(count int) error { return pondGroup(tasks.NewGroup(), do, count) }
	return GroupPool{Do: all, Close: (&pondPool{pool: tasks}).Close}, nil
}

// openPondSubpool makes a subpool for each group: only so has each group a limit of its own.
func openPondSubpool(limit int) doing {
	return func(ctx context.Context, size int, do func(int)) (GroupPool, error) {
		tasks := pond.NewPool(size)
		all := func(count int) error {
			subpool := tasks.NewSubpool(limit)
			defer subpool.StopAndWait()
			return pondGroup(subpool.NewGroupContext(ctx), do, count)
		}
		return GroupPool{Do: all, Close: (&pondPool{pool: tasks}).Close}, nil
	}
}

// openPondSubpools makes one subpool for all groups, which share its limit.
func openPondSubpools(limit int) doing {
	return func(ctx context.Context, size int, do func(int)) (GroupPool, error) {
		tasks := pond.NewPool(size)
		subpool := tasks.NewSubpool(limit)
		all := func(count int) error { return pondGroup(subpool.NewGroupContext(ctx), do, count) }
		return GroupPool{Do: all, Close: func() error {
			subpool.StopAndWait()
			return (&pondPool{pool: tasks}).Close()
		}}, nil
	}
}

func openErrgroup(ctx context.Context, _ int, do func(int)) (GroupPool, error) {
	return openErrgroupLimit(ctx, -1, do) // no limit
}

func openErrgroupLimit(ctx context.Context, limit int, do func(int)) (GroupPool, error) {
	all := func(count int) error {
		group, _ := errgroup.WithContext(ctx)
		group.SetLimit(limit)
		for n := range count {
			group.Go(func() error {
				do(n)
				return nil
			})
		}
		return group.Wait()
	}
	return GroupPool{Do: all, Close: nothing}, nil
}

func openConcGroup(ctx context.Context, size int, do func(int)) (GroupPool, error) {
	all := func(count int) error {
		group := pool.New().WithMaxGoroutines(size).WithContext(ctx).WithCancelOnError().WithFirstError()
		for n := range count {
			group.Go(func(context.Context) error {
				do(n)
				return nil
			})
		}
		return group.Wait()
	}
	return GroupPool{Do: all, Close: nothing}, nil
}
