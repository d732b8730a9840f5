package usercode_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
	"github.com/troupe-go/troupe/supervisor"
)

// with returns the options of a place that has always the same.
func with(options ...actors.Option) func(*stage) []actors.Option {
	return func(*stage) []actors.Option { return options }
}

// asks is a trigger: the pool is asked for a task.
func asks(w func(s *stage) work, options ...actors.TaskOption) func(*stage) {
	return func(s *stage) { _, _ = s.pool.Ask(context.Background(), w(s), options...) }
}

var errTask = errors.New("the task's own error")

func succeeds(*stage) work { return func(context.Context) (int, error) { return 1, nil } }
func fails(*stage) work    { return func(context.Context) (int, error) { return 0, errTask } }
func crashes(*stage) work  { return func(context.Context) (int, error) { panic(errTask) } }

// handlerPlaces are the places in pools that have a handler.
func handlerPlaces() []place {
	return slices.Concat(taskPlaces(), errorPlaces(), contextPlaces(), tracerPlaces(), supervisionPlaces(), hearerPlaces())
}

// taskPlaces are those that a task passes on its way.
func taskPlaces() []place {
	return []place{
		{
			name: "handler", options: with(),
			trigger: asks(func(s *stage) work {
				return func(context.Context) (int, error) { s.harm(); return 1, nil }
			}, actors.Timeout(time.Second)),
		},
		{
			name: "handler in its caller", options: with(actors.WithQueue(0, actors.CallerRuns)),
			trigger: func(s *stage) {
				hold := func(context.Context) (int, error) { time.Sleep(2 * time.Second); return 0, nil }
				for range 3 {
					_ = s.pool.Tell(context.Background(), hold)
				}
				asks(func(s *stage) work {
					return func(context.Context) (int, error) { s.harm(); return 1, nil }
				}, actors.Timeout(time.Second))(s)
			},
		},
		{
			name: "custom dispatch",
			options: func(s *stage) []actors.Option {
				return []actors.Option{actors.WithDispatch(router.Custom(func(router.TaskView, router.Workers) int { s.harm(); return 0 }))}
			},
			trigger: asks(succeeds),
		},
		{
			name: "retry predicate",
			options: func(s *stage) []actors.Option {
				return []actors.Option{actors.WithRetry(actors.Retry{Attempts: 2, On: func(error) bool { s.harm(); return true }})}
			},
			trigger: asks(fails, actors.Timeout(2*time.Second)),
		},
		{
			name: "payload formatter", options: with(),
			trigger: func(s *stage) {
				pooltest.AttachJournal(s.system.Root, journal.Options{Keep: 10, Payload: func(any) string { s.harm(); return "text" }})
				asks(succeeds)(s)
			},
		},
		{
			name: "payload formatter of a task that timed out in the queue", options: with(actors.WithSize(1)),
			trigger: func(s *stage) {
				pooltest.AttachJournal(s.system.Root, journal.Options{Keep: 10, Payload: func(any) string { s.harm(); return "text" }})
				_ = s.pool.Tell(context.Background(), func(context.Context) (int, error) { time.Sleep(2 * time.Second); return 0, nil })
				asks(succeeds, actors.Timeout(time.Second))(s)
			},
		},
		{
			name: "input of Map", options: with(),
			trigger: func(s *stage) {
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
			trigger: func(s *stage) {
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

// mean is an error with a method that misbehaves.
type mean struct {
	s      *stage
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

// errorPlaces are the methods of errors, wherever the pool calls them.
func errorPlaces() (places []place) {
	for _, method := range []string{"Error", "Is", "As", "Unwrap"} {
		failsMeanly := func(s *stage) work {
			return func(context.Context) (int, error) { return 0, mean{s, method} }
		}
		crashesMeanly := func(s *stage) work {
			return func(context.Context) (int, error) { panic(mean{s, method}) }
		}
		places = append(places,
			place{
				name: method + " of an error that a retry looks at", options: with(actors.WithRetry(actors.Retry{Attempts: 2})),
				trigger: perhaps(asks(failsMeanly, actors.Timeout(2*time.Second))),
			},
			place{
				name: method + " of a panic after a timeout", options: with(actors.WithTracer(hook{})),
				trigger: perhaps(asks(func(s *stage) work {
					return func(context.Context) (int, error) {
						time.Sleep(2 * time.Second)
						return crashesMeanly(s)(context.Background())
					}
				}, actors.Timeout(time.Second))),
			},
			place{
				name: method + " of a cause", options: with(),
				trigger: perhaps(func(s *stage) {
					ctx, cancel := context.WithCancelCause(context.Background())
					time.AfterFunc(time.Second, func() { cancel(mean{s, method}) })
					_, _ = s.pool.Ask(ctx, func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() })
				}),
			},
		)
	}
	places = append(places, place{
		name: "text of an error in the quarantine", options: with(actors.WithQuarantine(actors.Quarantine{Crashes: 1})),
		trigger: perhaps(asks(func(s *stage) work {
			return func(context.Context) (int, error) { panic(mean{s, "Error"}) }
		})),
	})
	return places
}

// perhaps is for code that not every version of a path calls: if the trigger has not reached
// it, nothing could happen.
func perhaps(trigger func(*stage)) func(*stage) {
	return func(s *stage) {
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
			trigger: perhaps(func(s *stage) {
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
			name: "context's " + method + " at the end", options: with(),
			trigger: perhaps(func(s *stage) {
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

// own is a context of the user's.
type own struct {
	context.Context
	s      *stage
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
		for task, w := range map[string]func(*stage) work{"success": succeeds, "panic": crashes} {
			places = append(places, place{
				name:    "tracer's " + name + " at a " + task,
				options: func(s *stage) []actors.Option { return []actors.Option{actors.WithTracer(of(s.harm))} },
				trigger: asks(w, actors.Timeout(2*time.Second)),
			})
		}
	}
	return places
}

// supervisionPlaces are those that the supervisor calls.
func supervisionPlaces() []place {
	supervised := func(of func(s *stage) actor.SupervisorStrategy) func(*stage) []actors.Option {
		return func(s *stage) []actors.Option { return []actors.Option{actors.WithSupervision(of(s))} }
	}
	scaled := func(of func(s *stage) supervisor.Rule) func(*stage) []actors.Option {
		return func(s *stage) []actors.Option {
			return []actors.Option{actors.WithAutoscale(supervisor.Autoscale{Min: 1, Max: 8, Every: time.Second, Rule: of(s)})}
		}
	}
	nothing := func(*stage) {}
	return []place{
		{
			name: "strategy", trigger: asks(crashes),
			options: supervised(func(s *stage) actor.SupervisorStrategy {
				return pooltest.Strategy(func(p actor.Supervisor, child *actor.PID, _ any) {
					s.harm()
					p.RestartChildren(child)
				})
			}),
		},
		{
			name: "strategy that has decided", trigger: asks(crashes),
			options: supervised(func(s *stage) actor.SupervisorStrategy {
				return pooltest.Strategy(func(p actor.Supervisor, child *actor.PID, _ any) {
					p.StopChildren(child)
					s.harm()
				})
			}),
		},
		{
			name: "decider", trigger: asks(crashes),
			options: supervised(func(s *stage) actor.SupervisorStrategy {
				return supervisor.OneForOne(supervisor.Decider(func(error) actor.Directive { s.harm(); return actor.RestartDirective }))
			}),
		},
		{name: "String of a rule", starts: true, trigger: nothing, options: scaled(func(s *stage) supervisor.Rule { return rule{name: s.harm} })},
		{name: "Scaler of a rule", starts: true, trigger: nothing, options: scaled(func(s *stage) supervisor.Rule { return rule{scaler: s.harm} })},
		{name: "Decide of a scaler", trigger: nothing, options: scaled(func(s *stage) supervisor.Rule { return rule{decide: s.harm} })},
	}
}

// rule is an autoscaling rule that never scales.
type rule struct{ name, scaler, decide func() }

func (r rule) String() string { run(r.name); return "own" }

func (r rule) Scaler(int, int, time.Duration) supervisor.Scaler { run(r.scaler); return r }

func (r rule) Decide(load supervisor.Load) (int, string) { run(r.decide); return load.Size, "" }

// hearerPlaces are those that are told what happens.
func hearerPlaces() []place {
	subscribed := func(hears func(event any) bool, w func(*stage) work) func(*stage) {
		return func(s *stage) {
			s.system.EventStream.Subscribe(func(event any) {
				if hears(event) {
					s.harm()
				}
			})
			asks(w)(s)
		}
	}
	return []place{
		{
			name: "logger", trigger: asks(crashes),
			options: func(s *stage) []actors.Option {
				fails := pooltest.Strategy(func(actor.Supervisor, *actor.PID, any) { panic("to be logged") })
				return []actors.Option{actors.WithSupervision(fails), actors.WithLogger(slog.New(logging{slog.DiscardHandler, s.harm}))}
			},
		},
		{
			name: "subscriber to events", options: with(),
			trigger: subscribed(func(event any) bool { _, ok := event.(*messages.WorkerRestarted); return ok }, crashes),
		},
		{
			name: "subscriber to decisions", options: with(),
			trigger: subscribed(func(event any) bool { _, ok := event.(*actor.SupervisorEvent); return ok }, crashes),
		},
		{
			name: "subscriber to dead letters", options: with(),
			trigger: func(s *stage) {
				s.system.EventStream.Subscribe(func(event any) {
					if _, ok := event.(*actor.DeadLetterEvent); ok {
						s.harm()
					}
				})
				gone := s.system.NewLocalPID("gone")
				for _, message := range []any{&messages.GetStats{}, &messages.Resume{}, &messages.Resize{Size: 3}, succeeds(s)} {
					s.system.Root.RequestWithCustomSender(s.pid, message, gone)
				}
				s.system.Root.Send(s.pid, "no work")
			},
		},
		{
			name: "process that is told", options: with(),
			trigger: func(s *stage) {
				pid, _ := s.system.ProcessRegistry.Add(told{s}, "told")
				for range 3 {
					s.system.Root.RequestWithCustomSender(s.pid, succeeds(s), pid)
				}
			},
		},
	}
}

// told is a process that runs user code on its sender's goroutine.
type told struct{ s *stage }

func (p told) SendUserMessage(*actor.PID, any)   { p.s.harm() }
func (p told) SendSystemMessage(*actor.PID, any) { p.s.harm() }
func (p told) Stop(*actor.PID)                   {}

// logging is a log handler that calls a function for each record.
type logging struct {
	slog.Handler
	call func()
}

func (logging) Enabled(context.Context, slog.Level) bool    { return true }
func (l logging) Handle(context.Context, slog.Record) error { l.call(); return nil }
func (l logging) WithAttrs([]slog.Attr) slog.Handler        { return l }
func (l logging) WithGroup(string) slog.Handler             { return l }
