package usercode_test

import (
	"context"
	"time"

	"github.com/troupe-go/troupe/actors"
)

// funcPlaces are those of pools of functions.
func funcPlaces() []place {
	harms := func(s *fixture) func(context.Context) error {
		return func(context.Context) error { s.harm(); return nil }
	}
	waits := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	places := []place{
		{name: "function in Go", funcs: true, options: with(), trigger: func(s *fixture) {
			_ = s.funcs.Go(context.Background(), harms(s), actors.Timeout(time.Second))
		}},
		{name: "function in Do", funcs: true, options: with(), trigger: func(s *fixture) {
			_ = s.funcs.Do(context.Background(), harms(s), actors.Timeout(time.Second))
		}},
		{name: "function in a caller", funcs: true, options: with(actors.WithSize(1), actors.WithQueue(0, actors.CallerRuns)), trigger: func(s *fixture) {
			over, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_ = s.funcs.Go(over, waits, actors.CancelWithContext())
			_ = s.funcs.Do(context.Background(), harms(s), actors.Timeout(2*time.Second))
		}},
		{name: "function in a group", funcs: true, options: with(), trigger: func(s *fixture) {
			group := s.funcs.Group(context.Background(), actors.MaxInFlight(2))
			for range 10 {
				group.Go(harms(s), actors.Timeout(time.Second))
			}
			_ = group.Wait()
		}},
		{name: "function in a group that fails fast", funcs: true, options: with(), trigger: func(s *fixture) {
			group := s.funcs.Group(context.Background(), actors.FailFast())
			group.Go(harms(s), actors.Timeout(2*time.Second))
			group.Go(func(context.Context) error {
				time.Sleep(time.Millisecond) // the other has started
				return errTask
			})
			group.Go(waits)
			_ = group.Wait()
		}},
		{
			name: "middleware around a function", funcs: true,
			options: func(s *fixture) []actors.Option {
				type handler = actors.Handler[func(context.Context) error, struct{}]
				return []actors.Option{actors.WithMiddleware(func(next handler) handler {
					return func(ctx context.Context, f func(context.Context) error) (struct{}, error) {
						s.harm()
						return next(ctx, f)
					}
				})}
			},
			trigger: func(s *fixture) {
				_ = s.funcs.Do(context.Background(), func(context.Context) error { return nil }, actors.Timeout(time.Second))
			},
		},
	}
	for _, method := range []string{"Error", "Is", "As", "Unwrap"} {
		places = append(places, place{
			name: method + " of the error of a function", funcs: true, options: with(actors.WithRetry(actors.Retry{Attempts: 2})),
			trigger: perhaps(func(s *fixture) {
				group := s.funcs.Group(context.Background(), actors.FailFast())
				group.Go(func(context.Context) error { return mean{s, method} }, actors.Timeout(2*time.Second))
				group.Go(waits)
				_ = group.Wait()
			}),
		})
	}
	for _, method := range []string{"Deadline", "Done", "Err", "Value"} {
		for name, call := range map[string]func(s *fixture, ctx context.Context){
			"Go": func(s *fixture, ctx context.Context) { _ = s.funcs.Go(ctx, waits, actors.CancelWithContext()) },
			"Do": func(s *fixture, ctx context.Context) { _ = s.funcs.Do(ctx, waits) },
			"a group of functions": func(s *fixture, ctx context.Context) {
				group := s.funcs.Group(ctx, actors.MaxInFlight(1))
				group.Go(waits)
				group.Go(waits)
				_ = group.Wait()
			},
		} {
			places = append(places, place{
				name: method + " of the context of " + name, funcs: true, options: with(),
				trigger: perhaps(func(s *fixture) {
					over, cancel := context.WithCancel(context.Background())
					time.AfterFunc(time.Second, cancel)
					survive(func() { call(s, own{over, s, method}) })
				}),
			})
		}
	}
	return places
}
