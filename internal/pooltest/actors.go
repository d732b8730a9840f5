package pooltest

import (
	"sync"
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// A Deed is a task for the workers of [Actors], or the payload of one: the worker calls it.
type Deed func(ctx actor.Context)

// Fail returns a task that panics.
func Fail(value any) Deed { return func(actor.Context) { panic(value) } }

// Actors is a pool whose workers are user-written actors that do what they are sent.
// Use it in a [Bubble].
type Actors struct {
	System *actor.ActorSystem
	PID    *actor.PID

	t    *testing.T
	mu   sync.Mutex
	born int // guarded by mu
}

// NewActors returns a pool that has not been started, for a test that spawns
// Props itself.
func NewActors(t *testing.T) *Actors { return &Actors{t: t, System: System()} }

// StartActors starts a pool in a system of its own and stops it at the end of the
// bubble.
func StartActors(t *testing.T, opts ...actors.Option) *Actors {
	t.Helper()
	return StartActorsIn(t, System(), "workers", opts...)
}

// StartActorsIn is [StartActors] in a given system.
func StartActorsIn(t *testing.T, system *actor.ActorSystem, name string, opts ...actors.Option) *Actors {
	t.Helper()
	a := &Actors{t: t, System: system}
	pid, err := system.Root.SpawnNamed(a.Props(opts...), name)
	require.NoError(t, err)
	a.PID = pid
	t.Cleanup(func() {
		system.Root.Stop(pid)
		synctest.Wait()
	})
	return a
}

// Props returns the props of the pool.
func (a *Actors) Props(opts ...actors.Option) *actor.Props {
	return actors.PropsFromProducer(func() actor.Actor {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.born++
		return actor.ReceiveFunc(func(ctx actor.Context) {
			switch message := ctx.Message().(type) {
			case Deed:
				message(ctx)
			case *messages.Task:
				if do, _ := message.Payload.(Deed); do != nil {
					do(ctx)
				}
			}
		})
	}, opts...)
}

// Born returns how many actors have been made as workers, including restarts.
func (a *Actors) Born() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.born
}

// Do sends the pool a task and returns when all goroutines are idle.
func (a *Actors) Do(d Deed) {
	a.System.Root.Send(a.PID, d)
	synctest.Wait()
}

// Hold sends the pool a task, which its worker holds, and returns when all goroutines are
// idle. sender may be nil.
func (a *Actors) Hold(sender *actor.PID) *actors.Held {
	a.t.Helper()
	holds := make(chan *actors.Held, 1)
	a.System.Root.RequestWithCustomSender(a.PID, Deed(func(ctx actor.Context) { holds <- actors.Hold(ctx) }), sender)
	synctest.Wait()
	select {
	case held := <-holds:
		return held
	default:
		require.Fail(a.t, "no worker has taken the task")
		return nil
	}
}

// Stats returns a snapshot, which must be balanced.
func (a *Actors) Stats() *messages.Stats {
	a.t.Helper()
	return Stats(a.t, a.System, a.PID)
}

// A Strategy is a supervision strategy made of a function.
type Strategy func(s actor.Supervisor, child *actor.PID, reason any)

// HandleFailure implements [actor.SupervisorStrategy].
func (f Strategy) HandleFailure(
	_ *actor.ActorSystem, s actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, reason, _ any,
) {
	f(s, child, reason)
}
