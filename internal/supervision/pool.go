package supervision

import (
	"context"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/messages"
)

// pool has the state that the parts of a supervisor share. Only the supervisor changes it,
// when it starts and when it stops.
type pool struct {
	name     string
	workers  Workers
	logger   *slog.Logger
	deliver  deliver.Deliverer // set when the supervisor starts
	stopping bool
}

func (p *pool) publish(event any) { p.deliver.Publish(event) }

// runGuarded runs user code. A panic in it, or a runtime.Goexit, becomes an error.
func runGuarded(f func()) (err error) {
	deliver.Apart(func() {
		err = &messages.PanicError{Value: messages.ErrGoexit} // unless f returns or panics
		defer func() {
			if value := recover(); value != nil {
				err = &messages.PanicError{Value: value}
			}
		}()
		f()
		err = nil
	})
	return err
}

// logTo logs. The handler of the logger is user code, so a panic or a
// runtime.Goexit in it must not stop the supervisor.
func logTo(logger *slog.Logger, level slog.Level, text string, args ...any) {
	_ = runGuarded(func() { logger.Log(context.Background(), level, text, args...) })
}

// sendSelf returns a function that sends the supervisor a message, on any goroutine.
func sendSelf(ctx actor.Context, message any) func() {
	root, self := ctx.ActorSystem().Root, ctx.Self()
	return func() { root.Send(self, message) }
}
