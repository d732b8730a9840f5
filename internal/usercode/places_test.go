package usercode_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/router"
)

// with returns the options of a place that has always the same.
func with(options ...actors.Option) func(*fixture) []actors.Option {
	return func(*fixture) []actors.Option { return options }
}

// asks is a trigger: the pool is asked for a task.
func asks(w func(s *fixture) work, options ...actors.TaskOption) func(*fixture) {
	return func(s *fixture) { _, _ = s.pool.Ask(context.Background(), w(s), options...) }
}

var errTask = errors.New("the task's own error")

func succeeds(*fixture) work { return func(context.Context) (int, error) { return 1, nil } }
func fails(*fixture) work    { return func(context.Context) (int, error) { return 0, errTask } }
func crashes(*fixture) work  { return func(context.Context) (int, error) { panic(errTask) } }

// handlerPlaces are the places in pools that have a handler.
func handlerPlaces() []place {
	return slices.Concat(taskPlaces(), errorPlaces(), contextPlaces(), tracerPlaces(), supervisionPlaces(), hearerPlaces(), groupPlaces())
}

// taskPlaces are those that a task passes on its way.
func taskPlaces() []place {
	return []place{
		{
			name: "handler", options: with(),
			trigger: asks(func(s *fixture) work {
				return func(context.Context) (int, error) { s.harm(); return 1, nil }
			}, actors.Timeout(time.Second)),
		},
		{
			name: "handler in its caller", options: with(actors.WithQueue(0, actors.CallerRuns)),
			trigger: func(s *fixture) {
				hold := func(context.Context) (int, error) { time.Sleep(2 * time.Second); return 0, nil }
				for range 3 {
					_ = s.pool.Tell(context.Background(), hold)
				}
				asks(func(s *fixture) work {
					return func(context.Context) (int, error) { s.harm(); return 1, nil }
				}, actors.Timeout(time.Second))(s)
			},
		},
		{
			name: "custom dispatch",
			options: func(s *fixture) []actors.Option {
				return []actors.Option{actors.WithDispatch(router.Custom(func(router.TaskView, router.Workers) int { s.harm(); return 0 }))}
			},
			trigger: asks(succeeds),
		},
		{
			name: "retry predicate",
			options: func(s *fixture) []actors.Option {
				return []actors.Option{actors.WithRetry(actors.Retry{Attempts: 2, On: func(error) bool { s.harm(); return true }})}
			},
			trigger: asks(fails, actors.Timeout(2*time.Second)),
		},
		{
			name: "payload formatter", options: with(),
			trigger: func(s *fixture) {
				pooltest.AttachJournal(s.system.Root, journal.Options{Keep: 10, Payload: func(any) string { s.harm(); return "text" }})
				asks(succeeds)(s)
			},
		},
		{
			name: "payload formatter of a task that timed out in the queue", options: with(actors.WithSize(1)),
			trigger: func(s *fixture) {
				pooltest.AttachJournal(s.system.Root, journal.Options{Keep: 10, Payload: func(any) string { s.harm(); return "text" }})
				_ = s.pool.Tell(context.Background(), func(context.Context) (int, error) { time.Sleep(2 * time.Second); return 0, nil })
				asks(succeeds, actors.Timeout(time.Second))(s)
			},
		},
		{
			name: "input of Map", options: with(),
			trigger: func(s *fixture) {
				ins := func(yield func(work) bool) {
					for i := 0; i < 20 && yield(succeeds(s)); i++ {
						if i == 10 {
							s.harm()
						}
					}
				}
				survive(func() {
					for _, err := range s.pool.Map(context.Background(), ins) {
						_ = err
					}
				})
			},
		},
		{
			name: "consumer of Map", options: with(),
			trigger: func(s *fixture) {
				survive(func() {
					for _, err := range s.pool.Map(context.Background(), slices.Values(slices.Repeat([]work{succeeds(s)}, 20))) {
						_ = err
						s.harm()
					}
				})
			},
		},
	}
}

// survive recovers from a panic of the caller's own code, which is the caller's to see.
func survive(f func()) {
	defer func() { _ = recover() }()
	f()
}
