package usercode_test

import (
	"context"
	"slices"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// groupPlaces are those of Each, of groups and of futures.
func groupPlaces() (places []place) {
	places = []place{
		{
			name: "input of Each", options: with(),
			trigger: func(s *fixture) {
				ins := func(yield func(work) bool) {
					for i := 0; i < 20 && yield(succeeds(s)); i++ {
						if i == 10 {
							s.harm()
						}
					}
				}
				survive(func() {
					for range s.pool.Each(context.Background(), ins) {
					}
				})
			},
		},
		{
			name: "consumer of Each", options: with(),
			trigger: func(s *fixture) {
				survive(func() {
					for range s.pool.Each(context.Background(), slices.Values(slices.Repeat([]work{succeeds(s)}, 20))) {
						s.harm()
					}
				})
			},
		},
		{
			name: "consumer of the answers of a group", options: with(),
			trigger: func(s *fixture) {
				group := s.pool.Group(context.Background())
				for range 20 {
					_ = group.Submit(succeeds(s))
				}
				survive(func() {
					for range group.Answers() {
						s.harm()
					}
				})
			},
		},
		{
			name: "function given to OnSettled", options: with(),
			trigger: func(s *fixture) {
				future, err := s.pool.Submit(context.Background(), succeeds(s))
				if err == nil {
					future.OnSettled(s.harm)
					_, _ = future.Wait(context.Background())
				}
			},
		},
		{
			name: "function given to OnSettled of a settled task", options: with(),
			trigger: func(s *fixture) {
				future, err := s.pool.Submit(context.Background(), fails(s))
				if err == nil {
					_, _ = future.Wait(context.Background())
					future.OnSettled(s.harm)
					future.OnSettled(func() {})
				}
			},
		},
		{
			name: "function given to OnSettled of a canceled task", options: with(actors.WithSize(1)),
			trigger: func(s *fixture) {
				ctx, cancel := context.WithCancel(context.Background())
				time.AfterFunc(time.Second, cancel)
				_ = s.pool.Tell(ctx, untilEnd, actors.CancelWithContext())
				if future, err := s.pool.Submit(ctx, succeeds(s), actors.CancelWithContext()); err == nil {
					future.OnSettled(s.harm)
					future.Cancel()
				}
			},
		},
		{
			name: "consumer of the answers of a group in a handler", options: with(),
			trigger: asks(func(s *fixture) work {
				return func(ctx context.Context) (int, error) {
					group := s.pool.Group(ctx, actors.MaxInFlight(1))
					for range 3 {
						_ = group.Submit(succeeds(s))
					}
					for range group.Answers() {
						s.harm()
					}
					return 1, nil
				}
			}, actors.Timeout(time.Second)),
		},
		{
			name: "consumer of Each in a handler", options: with(),
			trigger: asks(func(s *fixture) work {
				return func(ctx context.Context) (int, error) {
					for range s.pool.Each(ctx, slices.Values([]work{succeeds(s), succeeds(s), untilEnd})) {
						s.harm()
					}
					return 1, nil
				}
			}, actors.Timeout(time.Second)),
		},
	}
	for _, method := range []string{"Error", "Is", "As", "Unwrap"} {
		places = append(places, place{
			name: method + " of an error in WithOutcome that fails a group fast", options: with(actors.WithRetry(actors.Retry{Attempts: 2})),
			trigger: perhaps(func(s *fixture) {
				group := s.pool.Group(context.Background(), actors.FailFast())
				_ = group.Submit(untilEnd)
				for _, outcome := range []messages.Outcome{messages.TimedOut, messages.Canceled, messages.Dropped, messages.Failed} {
					_ = group.Submit(func(context.Context) (int, error) {
						return 0, actors.WithOutcome(outcome, mean{s, method})
					}, actors.Timeout(2*time.Second))
				}
				for range group.Answers() {
				}
				_ = group.Wait()
			}),
		}, place{
			name: method + " of an error that fails a group fast", options: with(actors.WithSize(1)),
			trigger: perhaps(func(s *fixture) {
				group := s.pool.Group(context.Background(), actors.FailFast())
				for range 5 {
					_ = group.Submit(func(context.Context) (int, error) { time.Sleep(time.Second); return 0, mean{s, method} })
				}
				_ = group.Wait()
				_ = group.Submit(succeeds(s))
			}),
		}, place{
			name: method + " of the cause for which the context of a group ends", options: with(),
			trigger: perhaps(func(s *fixture) {
				ctx, cancel := context.WithCancelCause(context.Background())
				time.AfterFunc(time.Second, func() { cancel(mean{s, method}) })
				group := s.pool.Group(ctx)
				_ = group.Submit(func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() })
				_ = group.Wait()
			}),
		})
	}
	for _, method := range []string{"Deadline", "Done", "Err", "Value"} {
		for name, wait := range map[string]func(*fixture, context.Context){
			"a group": func(s *fixture, ctx context.Context) {
				group := s.pool.Group(ctx, actors.MaxInFlight(1))
				for range 3 {
					_ = group.Submit(untilEnd)
				}
				_ = group.Wait()
			},
			"Each": func(s *fixture, ctx context.Context) {
				for range s.pool.Each(ctx, slices.Values([]work{untilEnd, untilEnd, untilEnd}), actors.Ahead(2)) {
				}
			},
		} {
			places = append(places, place{
				name: method + " of the context of " + name, options: with(),
				trigger: perhaps(func(s *fixture) {
					over, cancel := context.WithTimeout(context.Background(), time.Second)
					defer cancel()
					survive(func() { wait(s, own{over, s, method}) })
				}),
			}, place{
				name: method + " of the context of " + name + " that ends", options: with(),
				trigger: perhaps(func(s *fixture) {
					s.armed.Store(false)
					over, cancel := context.WithTimeout(context.Background(), time.Second)
					defer cancel()
					time.AfterFunc(time.Second-time.Millisecond, func() { s.armed.Store(true) })
					survive(func() { wait(s, own{over, s, method}) })
				}),
			})
		}
	}
	return places
}

func untilEnd(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() }
