package supervision_test

import (
	"context"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

func hundredBy(_ context.Context, n int) (int, error) { return 100 / n, nil }

// The parent may decide before the worker has noticed that it is suspended. The
// worker must not stay suspended.
func TestEscalatedWorkerGoesOnHoweverFastItsParentDecides(t *testing.T) {
	timelimit.Set(t)
	system := pooltest.System()
	strategy := actor.NewOneForOneStrategy(1, time.Minute, func(any) actor.Directive { return actor.ResumeDirective })
	results := make(chan *messages.Result, 1)
	var pool *actor.PID
	parent := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch msg := ctx.Message().(type) {
		case *actor.Started:
			pool = ctx.Spawn(actors.PropsFromHandler(hundredBy,
				actors.WithSize(1), actors.WithSupervision(supervisor.Escalate())))
		case int:
			ctx.Request(pool, msg)
		case *messages.Result:
			results <- msg
		}
	}, actor.WithSupervisor(strategy)))

	for n := range 10000 {
		system.Root.Send(parent, 0)
		select {
		case r := <-results:
			require.Equal(t, messages.Panicked, r.Outcome)
		case <-time.After(time.Minute):
			t.Fatalf("no answer to task %d", n)
		}
	}
	require.NoError(t, system.Root.StopFuture(parent).Wait())
}
