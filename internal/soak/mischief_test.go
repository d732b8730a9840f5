package soak_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// mischief makes user code that is not a handler panic, end its goroutine, or take its time,
// at random. Most calls do nothing.
func mischief() {
	switch rand.N(150) {
	case 0:
		panic("mischief")
	case 1:
		runtime.Goexit()
	case 2:
		time.Sleep(time.Millisecond)
	}
}

// mischiefOptions are options with user code on goroutines of the pool's.
func mischiefOptions() []actors.Option {
	return []actors.Option{
		actors.WithLogger(slog.New(badLogger{slog.DiscardHandler})),
		actors.WithTracer(badTracer{}),
	}
}

// badLogger is a log handler.
type badLogger struct{ slog.Handler }

func (badLogger) Enabled(context.Context, slog.Level) bool  { mischief(); return true }
func (badLogger) Handle(context.Context, slog.Record) error { mischief(); return nil }
func (b badLogger) WithAttrs([]slog.Attr) slog.Handler      { return b }
func (b badLogger) WithGroup(string) slog.Handler           { return b }

// badTracer is a tracer. It does nothing to submitters, whose goroutines are the test's.
type badTracer struct{}

func (badTracer) Submitted(context.Context, router.Traced) (map[string]string, func(error)) {
	return nil, nil
}

func (badTracer) Begun(ctx context.Context, _ router.Traced) (context.Context, func(messages.Outcome, error)) {
	mischief()
	return ctx, func(messages.Outcome, error) { mischief() }
}

// badPolicy is a retry policy's function.
func badPolicy(error) bool {
	mischief()
	return true
}

// badFormat formats payloads.
func badFormat(payload any) string {
	mischief()
	return fmt.Sprint(payload.(deedOf).fault)
}

// listenBadly subscribes to all events. Of the Proto.Actor dead letters, only answers of the
// pool count: others come from goroutines of the test.
func listenBadly(system *actor.ActorSystem) {
	system.EventStream.Subscribe(func(event any) {
		if letter, ok := event.(*actor.DeadLetterEvent); ok {
			if _, ok := letter.Message.(*messages.Result); !ok {
				return
			}
		}
		mischief()
	})
}

// badStrategy is a strategy that fails from time to time, before or after its decision.
type badStrategy struct{ actor.SupervisorStrategy }

func (b badStrategy) HandleFailure(
	system *actor.ActorSystem, s actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, reason, message any,
) {
	mischief()
	b.SupervisorStrategy.HandleFailure(system, s, child, rs, reason, message)
	mischief()
}
