package pooltest

import (
	"log/slog"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/timelimit"
)

// Bubble runs a test in virtual time. It ends when no goroutine is left.
func Bubble(t *testing.T, test func(*testing.T)) {
	t.Helper()
	timelimit.Bubble(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(DeadLetterPeriod) })
		test(t)
	})
}

// DeadLetterPeriod is how long a goroutine of Proto.Actor's counts dead letters after the
// first one. By default it is a second, longer than goleak waits.
const DeadLetterPeriod = time.Millisecond

// System returns an actor system that logs nothing.
func System() *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		actor.WithDeadLetterThrottleInterval(DeadLetterPeriod),
	)
}

// Spawn starts an actor, or a pool from its props, and stops it at the end of the test.
func Spawn(t testing.TB, parent actor.SpawnerContext, props *actor.Props) *actor.PID {
	t.Helper()
	pid := parent.Spawn(props)
	root := parent.ActorSystem().Root
	t.Cleanup(func() {
		if err := Stopped(root.StopFuture(pid)); err != nil {
			t.Errorf("stop %v: %v", pid, err)
		}
	})
	return pid
}

// SpawnUnder starts an actor whose only child is made of props, and stops both at the
// end of the test. The parent's strategy is asked about failures of the child.
func SpawnUnder(
	t testing.TB, root *actor.RootContext, props *actor.Props, strategy actor.SupervisorStrategy,
) (parent, child *actor.PID) {
	t.Helper()
	spawned := make(chan *actor.PID, 1)
	parent = Spawn(t, root, actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); ok {
			spawned <- ctx.Spawn(props)
		}
	}, actor.WithSupervisor(strategy)))
	return parent, <-spawned
}
