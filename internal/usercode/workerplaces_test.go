package usercode_test

import (
	"context"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe/actors"
)

// A holder is the state of a worker.
type holder struct {
	handle actors.Handler[work, int]
	close  func() error
}

func (h *holder) Handle(ctx context.Context, w work) (int, error) { return h.handle(ctx, w) }
func (h *holder) Close() error                                    { return h.close() }

// holders makes states that do what they are asked to.
func holders(*fixture) (*holder, error) {
	return &holder{handle: do, close: func() error { return nil }}, nil
}

// closers makes states that misbehave when they are closed.
func closers(s *fixture) (*holder, error) {
	return &holder{handle: do, close: func() error { s.harm(); return nil }}, nil
}

// workerPlaces are the places in pools whose workers have state.
func workerPlaces() []place {
	waits := func(s *fixture) { asks(succeeds)(s); time.Sleep(2 * time.Second) }
	return []place{
		{name: "produce", options: with(), starts: true, trigger: asks(succeeds), state: func(s *fixture) (*holder, error) {
			s.harm()
			return holders(s)
		}},
		{name: "produce at a restart", options: with(), trigger: asks(crashes), state: func(s *fixture) (*holder, error) {
			s.harm()
			return holders(s)
		}},
		{
			name: "produce of a recycled worker", options: with(actors.WithMaxTasks(1)), trigger: asks(succeeds),
			state: func(s *fixture) (*holder, error) { s.harm(); return holders(s) },
		},
		{
			name: "produce after idleness", options: with(actors.WithIdleTimeout(time.Second)),
			trigger: func(s *fixture) { time.Sleep(2 * time.Second); asks(succeeds, actors.Timeout(time.Second))(s) },
			state:   func(s *fixture) (*holder, error) { s.harm(); return holders(s) },
		},
		{
			name: "error of produce", options: with(), trigger: asks(crashes),
			state: func(s *fixture) (*holder, error) {
				if s.armed.Load() {
					if s.failed.Add(1) == 1 {
						return nil, mean{s, "Error"}
					}
					s.harm()
				}
				return holders(s)
			},
		},
		{name: "Handle", options: with(), trigger: asks(succeeds, actors.Timeout(time.Second)), state: func(s *fixture) (*holder, error) {
			h, _ := holders(s)
			h.handle = func(ctx context.Context, w work) (int, error) { s.harm(); return w(ctx) }
			return h, nil
		}},
		{name: "Close before a restart", options: with(), trigger: asks(crashes), state: closers},
		{name: "Close of a recycled worker", options: with(actors.WithMaxTasks(1)), trigger: asks(succeeds), state: closers},
		{name: "Close of an old worker", options: with(actors.WithMaxAge(time.Second)), trigger: waits, state: closers},
		{name: "Close of an idle worker", options: with(actors.WithIdleTimeout(time.Second)), trigger: waits, state: closers},
		{
			name: "Close of a worker that is not wanted any more", options: with(), state: closers,
			trigger: func(s *fixture) {
				time.Sleep(time.Second) // a worker that is stopped at once has no state to close
				_ = s.pool.Resize(context.Background(), 1)
			},
		},
		{
			name: "Close of an abandoned worker", options: with(), state: closers,
			trigger: asks(func(*fixture) work {
				return func(context.Context) (int, error) { time.Sleep(4 * time.Second); return 0, nil }
			}, actors.Timeout(time.Second)),
		},
		{
			name: "error of Close", options: with(actors.WithLogger(slog.New(reader{}))), trigger: asks(crashes),
			state: func(s *fixture) (*holder, error) {
				return &holder{handle: do, close: func() error { return mean{s, "Error"} }}, nil
			},
		},
		{
			name: "middleware around a task", state: holders, trigger: asks(succeeds, actors.Timeout(time.Second)),
			options: func(s *fixture) []actors.Option {
				return []actors.Option{actors.WithMiddleware(func(next actors.Handler[work, int]) actors.Handler[work, int] {
					return func(ctx context.Context, w work) (int, error) { s.harm(); return next(ctx, w) }
				})}
			},
		},
		{
			name: "middleware of a new state", state: holders, trigger: asks(crashes),
			options: func(s *fixture) []actors.Option {
				return []actors.Option{actors.WithMiddleware(func(next actors.Handler[work, int]) actors.Handler[work, int] {
					s.harm()
					return next
				})}
			},
		},
	}
}

// reader is a handler of log lines that reads their values.
type reader struct{ slog.Handler }

func (reader) Enabled(context.Context, slog.Level) bool { return true }

func (reader) Handle(_ context.Context, line slog.Record) error {
	line.Attrs(func(a slog.Attr) bool { return a.Value.String() != "" })
	return nil
}
