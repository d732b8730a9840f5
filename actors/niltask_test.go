package actors_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// nilBatch is a message that stands for several.
type nilBatch []any

func (b nilBatch) GetMessages() []any { return b }

func TestANilTaskIsRefused(t *testing.T) {
	pools := map[string]func(...actors.Option) *actor.Props{
		"user actors": func(opts ...actors.Option) *actor.Props {
			return actors.PropsFromProducer(func() actor.Actor {
				return actor.ReceiveFunc(func(ctx actor.Context) {
					if task, ok := ctx.Message().(*messages.Task); ok {
						ctx.Respond(task.Payload)
					}
				})
			}, opts...)
		},
		"a handler": func(opts ...actors.Option) *actor.Props {
			return actors.PropsFromHandler(func(_ context.Context, n int) (int, error) { return n, nil }, opts...)
		},
		"a handler of anything": func(opts ...actors.Option) *actor.Props {
			return actors.PropsFromHandler(func(_ context.Context, in any) (any, error) { return in.(*messages.Task).Payload, nil }, opts...)
		},
		"a handler of tasks": func(opts ...actors.Option) *actor.Props {
			return actors.PropsFromHandler(func(_ context.Context, in *messages.Task) (any, error) { return in.Payload, nil }, opts...)
		},
	}
	for name, message := range map[string]any{
		"alone":                       (*messages.Task)(nil),
		"broadcast":                   &messages.Broadcast{Message: (*messages.Task)(nil)},
		"broadcast as by Proto.Actor": &protorouter.BroadcastMessage{Message: (*messages.Task)(nil)},
		"in a nilBatch":               nilBatch{(*messages.Task)(nil)},
	} {
		for pool, props := range pools {
			t.Run(name+" to "+pool, func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					system := pooltest.System()
					pid, err := system.Root.SpawnNamed(props(
						actors.WithSize(2), actors.WithQuarantine(actors.Quarantine{Crashes: 1}), actors.WithRetry(router.Retry{Attempts: 2, Panics: true}),
					), "pool")
					require.NoError(t, err)
					var answers []any
					sender := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
						if result, ok := ctx.Message().(*messages.Result); ok {
							answers = append(answers, result)
						}
					}))
					dead := pooltest.Events[*actor.DeadLetterEvent](t, system)
					system.Root.Send(pid, message)
					synctest.Wait()
					letters := pooltest.Drain(dead)
					require.Len(t, letters, 1, "without a sender")
					assert.Equal(t, (*messages.Task)(nil), letters[0].Message)
					system.Root.RequestWithCustomSender(pid, message, sender)
					synctest.Wait()
					require.Len(t, answers, 1)
					result := answers[0].(*messages.Result)
					require.ErrorIs(t, result.Err, messages.ErrInvalidOption)
					assert.Equal(t, messages.Rejected, result.Outcome)
					stats := pooltest.Stats(t, system, pid)
					assert.EqualValues(t, 2, stats.Rejected)
					assert.Zero(t, stats.Submitted)
					assert.Zero(t, stats.Restarts)
					for _, pid := range []*actor.PID{sender, pid} {
						require.NoError(t, system.Root.StopFuture(pid).Wait())
					}
				})
			})
		}
	}
}
