package usercode_test

import (
	"context"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// supervisionPlaces are those that the supervisor calls.
func supervisionPlaces() []place {
	supervised := func(of func(s *fixture) actor.SupervisorStrategy) func(*fixture) []actors.Option {
		return func(s *fixture) []actors.Option { return []actors.Option{actors.WithSupervision(of(s))} }
	}
	scaled := func(of func(s *fixture) supervisor.Rule) func(*fixture) []actors.Option {
		return func(s *fixture) []actors.Option {
			return []actors.Option{actors.WithAutoscale(supervisor.Autoscale{Min: 1, Max: 8, Every: time.Second, Rule: of(s)})}
		}
	}
	nothing := func(*fixture) {}
	return []place{
		{
			name: "strategy", trigger: asks(crashes),
			options: supervised(func(s *fixture) actor.SupervisorStrategy {
				return pooltest.Strategy(func(p actor.Supervisor, child *actor.PID, _ any) {
					s.harm()
					p.RestartChildren(child)
				})
			}),
		},
		{
			name: "strategy that has decided", trigger: asks(crashes),
			options: supervised(func(s *fixture) actor.SupervisorStrategy {
				return pooltest.Strategy(func(p actor.Supervisor, child *actor.PID, _ any) {
					p.StopChildren(child)
					s.harm()
				})
			}),
		},
		{
			name: "decider", trigger: asks(crashes),
			options: supervised(func(s *fixture) actor.SupervisorStrategy {
				return supervisor.OneForOne(supervisor.Decider(func(error) actor.Directive { s.harm(); return actor.RestartDirective }))
			}),
		},
		{name: "String of a rule", starts: true, trigger: nothing, options: scaled(func(s *fixture) supervisor.Rule { return rule{name: s.harm} })},
		{name: "Scaler of a rule", starts: true, trigger: nothing, options: scaled(func(s *fixture) supervisor.Rule { return rule{scaler: s.harm} })},
		{name: "Decide of a scaler", trigger: nothing, options: scaled(func(s *fixture) supervisor.Rule { return rule{decide: s.harm} })},
	}
}

// rule is an autoscaling rule that never scales.
type rule struct{ name, scaler, decide func() }

func (r rule) String() string { run(r.name); return "own" }

func (r rule) Scaler(int, int, time.Duration) supervisor.Scaler { run(r.scaler); return r }

func (r rule) Decide(load supervisor.Load) (int, string) { run(r.decide); return load.Size, "" }

// hearerPlaces are those that are told what happens.
func hearerPlaces() []place {
	subscribed := func(hears func(event any) bool, w func(*fixture) work) func(*fixture) {
		return func(s *fixture) {
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
			options: func(s *fixture) []actors.Option {
				fails := pooltest.Strategy(func(actor.Supervisor, *actor.PID, any) { panic("to be logged") })
				return []actors.Option{actors.WithSupervision(fails), actors.WithLogger(slog.New(logging{slog.DiscardHandler, s.harm}))}
			},
		},
		{
			name: "subscriber to events", options: with(),
			trigger: subscribed(func(event any) bool { _, ok := event.(*messages.WorkerRestarted); return ok }, crashes),
		},
		{
			name: "function given to Subscribe", options: with(),
			trigger: func(s *fixture) {
				actors.Subscribe(s.system, "", func(*messages.WorkerRestarted) { s.harm() })
				asks(crashes)(s)
			},
		},
		{
			name: "subscriber to decisions", options: with(),
			trigger: subscribed(func(event any) bool { _, ok := event.(*actor.SupervisorEvent); return ok }, crashes),
		},
		{
			name: "subscriber to dead letters", options: with(),
			trigger: func(s *fixture) {
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
			trigger: func(s *fixture) {
				pid, _ := s.system.ProcessRegistry.Add(told{s}, "told")
				for range 3 {
					s.system.Root.RequestWithCustomSender(s.pid, succeeds(s), pid)
				}
			},
		},
	}
}

// told is a process that runs user code on its sender's goroutine.
type told struct{ s *fixture }

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
