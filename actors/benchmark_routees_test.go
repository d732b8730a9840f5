package actors_test

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/router"
)

// BenchmarkRoutees has an actor send requests to foreign actors, 64 of them in flight.
func BenchmarkRoutees(b *testing.B) {
	pool := func(dispatch router.Dispatch) func(...*actor.PID) *actor.Props {
		return func(pids ...*actor.PID) *actor.Props {
			return actors.PropsFromRoutees(pids, actors.WithDispatch(dispatch))
		}
	}
	for _, group := range []struct {
		name  string
		props func(...*actor.PID) *actor.Props
	}{
		{"least-busy", pool(router.LeastBusy())},
		{"round-robin", pool(router.RoundRobin())},
		{"proto.actor", protorouter.NewRoundRobinGroup},
	} {
		b.Run(group.name, func(b *testing.B) {
			root := pooltest.System().Root
			pids := spawnRoutees(b, root, 8, func(ctx actor.Context) {
				if m, ok := ctx.Message().(*int); ok {
					ctx.Respond(m)
				}
			})
			pid := pooltest.Spawn(b, root, group.props(pids...))
			message, done := new(int), make(chan struct{})
			sent, got := 0, 0
			asker := pooltest.Spawn(b, root, actor.PropsFromFunc(func(ctx actor.Context) {
				switch ctx.Message().(type) {
				case string:
					for ; sent < min(64, b.N); sent++ {
						ctx.Request(pid, message)
					}
				case *int:
					if got++; got == b.N {
						close(done)
					} else if sent < b.N {
						sent++
						ctx.Request(pid, message)
					}
				}
			}))
			b.ReportAllocs()
			b.ResetTimer()
			root.Send(asker, "go")
			<-done
			b.StopTimer()
		})
	}
}
