package usercode_test

import (
	"context"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// mean is an error with a method that misbehaves.
type mean struct {
	s      *fixture
	method string
}

func (m mean) harm(method string) {
	if m.method == method {
		m.s.harm()
	}
}

func (m mean) Error() string { m.harm("Error"); return "mean" }
func (m mean) Is(error) bool { m.harm("Is"); return false }
func (m mean) As(any) bool   { m.harm("As"); return false }
func (m mean) Unwrap() error { m.harm("Unwrap"); return nil }
func (m mean) String() string {
	m.harm("String")
	return "mean"
}

// nested is an error that misbehaves before it leads to a named outcome.
type nested struct{ mean }

func (n nested) Unwrap() error {
	n.harm("Unwrap")
	return actors.WithOutcome(messages.Quarantined, n.mean)
}

// errorPlaces are the methods of errors, wherever the pool calls them.
func errorPlaces() (places []place) {
	for _, method := range []string{"Error", "Is", "As", "Unwrap"} {
		failsMeanly := func(s *fixture) work {
			return func(context.Context) (int, error) { return 0, mean{s, method} }
		}
		crashesMeanly := func(s *fixture) work {
			return func(context.Context) (int, error) { panic(mean{s, method}) }
		}
		places = append(places,
			place{
				name: method + " of an error that a retry looks at", options: with(actors.WithRetry(actors.Retry{Attempts: 2})),
				trigger: perhaps(asks(failsMeanly, actors.Timeout(2*time.Second))),
			},
			place{
				name: method + " of an error that names no outcome", options: with(),
				trigger: perhaps(asks(failsMeanly, actors.Timeout(2*time.Second))),
			},
			place{
				name: method + " of an error within a named outcome", options: with(actors.WithQuarantine(actors.Quarantine{Crashes: 1})),
				trigger: perhaps(asks(func(s *fixture) work {
					return func(context.Context) (int, error) {
						return 0, fmt.Errorf("more: %w", nested{mean{s, method}})
					}
				}, actors.Timeout(2*time.Second))),
			},
			place{
				name: method + " of a panic after a timeout", options: with(actors.WithTracer(hook{})),
				trigger: perhaps(asks(func(s *fixture) work {
					return func(context.Context) (int, error) {
						time.Sleep(2 * time.Second)
						return crashesMeanly(s)(context.Background())
					}
				}, actors.Timeout(time.Second))),
			},
			place{
				name: method + " of a cause", options: with(),
				trigger: perhaps(func(s *fixture) {
					ctx, cancel := context.WithCancelCause(context.Background())
					time.AfterFunc(time.Second, func() { cancel(mean{s, method}) })
					_, _ = s.pool.Ask(ctx, func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() })
				}),
			},
		)
	}
	places = append(places, place{
		name: "text of an error in the quarantine", options: with(actors.WithQuarantine(actors.Quarantine{Crashes: 1})),
		trigger: perhaps(asks(func(s *fixture) work {
			return func(context.Context) (int, error) { panic(mean{s, "Error"}) }
		})),
	})
	return places
}

// perhaps is for code that not every version of a path calls: if the trigger has not reached
// it, nothing could happen.
func perhaps(trigger func(*fixture)) func(*fixture) {
	return func(s *fixture) {
		trigger(s)
		time.Sleep(3 * time.Second)
		if s.armed.CompareAndSwap(true, false) {
			s.reached.Store(true)
		}
	}
}

// contextPlaces are the methods of the caller's context.
func contextPlaces() (places []place) {
	for _, method := range []string{"Deadline", "Done", "Err", "Value"} {
		places = append(places, place{
			name: "context's " + method, options: with(actors.WithRetry(actors.Retry{Attempts: 2})),
			trigger: perhaps(func(s *fixture) {
				over, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				survive(func() {
					_, _ = s.pool.Ask(own{over, s, method}, func(ctx context.Context) (int, error) {
						<-ctx.Done()
						return 0, fmt.Errorf("%w: %v", ctx.Err(), ctx.Value("key"))
					})
				})
			}),
		}, place{
			name: "context's " + method + " of a Submit that ends with it", options: with(),
			trigger: bound(method, func(s *fixture, ctx context.Context, w work) error {
				f, err := s.pool.Submit(ctx, w, actors.CancelWithContext())
				if err == nil {
					s.armed.Store(true) // again, for what comes after the submission
					_, err = f.Wait(context.Background())
				}
				return err
			}),
		}, place{
			name: "context's " + method + " of a Tell that ends with it", options: with(),
			trigger: bound(method, func(s *fixture, ctx context.Context, w work) error {
				return s.pool.Tell(ctx, w, actors.CancelWithContext())
			}),
		}, place{
			name: "context's " + method + " at the end", options: with(),
			trigger: perhaps(func(s *fixture) {
				s.armed.Store(false)
				survive(func() {
					_, _ = s.pool.Ask(own{context.Background(), s, method}, func(ctx context.Context) (int, error) {
						ctx.Done()
						s.armed.Store(true)
						time.Sleep(2 * time.Second)
						return 0, nil
					}, actors.Timeout(time.Second))
				})
			}),
		})
	}
	return places
}

// bound is a trigger: a task is submitted that ends with a context, and that context ends.
func bound(method string, submit func(s *fixture, ctx context.Context, w work) error) func(*fixture) {
	return perhaps(func(s *fixture) {
		over, cancel := context.WithCancel(context.Background())
		time.AfterFunc(time.Second, cancel)
		survive(func() {
			_ = submit(s, own{over, s, method}, func(ctx context.Context) (int, error) {
				<-ctx.Done()
				return 0, ctx.Err()
			})
		})
	})
}

// own is a context of the user's.
type own struct {
	context.Context
	s      *fixture
	method string
}

func (o own) harm(method string) {
	if o.method == method {
		o.s.harm()
	}
}

func (o own) Deadline() (time.Time, bool) { o.harm("Deadline"); return o.Context.Deadline() }
func (o own) Done() <-chan struct{}       { o.harm("Done"); return o.Context.Done() }
func (o own) Err() error                  { o.harm("Err"); return o.Context.Err() }
func (o own) Value(key any) any           { o.harm("Value"); return o.Context.Value(key) }

// hook is a tracer that calls functions.
type hook struct{ submitted, admitted, begun, ended func() }

func run(f func()) {
	if f != nil {
		f()
	}
}

func (h hook) Submitted(context.Context, router.Traced) (map[string]string, func(error)) {
	run(h.submitted)
	return nil, func(error) { run(h.admitted) }
}

func (h hook) Begun(ctx context.Context, _ router.Traced) (context.Context, func(messages.Outcome, error)) {
	run(h.begun)
	return ctx, func(messages.Outcome, error) { run(h.ended) }
}

func tracerPlaces() (places []place) {
	for name, of := range map[string]func(func()) hook{
		"Submitted": func(f func()) hook { return hook{submitted: f} },
		"admitted":  func(f func()) hook { return hook{admitted: f} },
		"Begun":     func(f func()) hook { return hook{begun: f} },
		"ended":     func(f func()) hook { return hook{ended: f} },
	} {
		for task, w := range map[string]func(*fixture) work{"success": succeeds, "panic": crashes} {
			places = append(places, place{
				name:    "tracer's " + name + " at a " + task,
				options: func(s *fixture) []actors.Option { return []actors.Option{actors.WithTracer(of(s.harm))} },
				trigger: asks(w, actors.Timeout(2*time.Second)),
			})
		}
	}
	return places
}
