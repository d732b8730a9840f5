package actors

import (
	"context"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// ownSystem makes the actor system of a pool that has no parent. From then on the template
// logs through [slog.Default] unless it has a logger.
func (p *template) ownSystem() *actor.ActorSystem {
	if p.logger == nil {
		p.logger = slog.Default()
	}
	p.owns = true
	logger := slog.New(warnings{p.logger.Handler()})
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return logger }),
		// After a dead letter, Proto.Actor keeps a goroutine for this long, by default a second.
		// The goroutine would outlive the pool.
		actor.WithDeadLetterThrottleInterval(time.Millisecond),
	)
}

// warnings passes on the lines of Proto.Actor from level Warn. Below, Proto.Actor logs its
// start and every dead letter, which mean nothing to a program without actors.
type warnings struct{ next slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.next.Enabled(ctx, level)
}

func (w warnings) Handle(ctx context.Context, r slog.Record) error { return w.next.Handle(ctx, r) }

func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler { return warnings{w.next.WithAttrs(attrs)} }

func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.next.WithGroup(name)} }
