package contender

import (
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
)

// ProtoActorPointer is ProtoActor for tasks that are all the same: each is one pointer,
// allocated beforehand. ProtoActor itself allocates to send the number of a task, while
// a typed pool does not, so this is the fairer peer where the number does not matter.
func ProtoActorPointer() Contender {
	return Contender{Name: NameProtoActor, Open: func(size int, work Work) (Pool, error) {
		system := silentSystem()
		receive := func(ctx actor.Context) {
			if m, ok := ctx.Message().(*Plain); ok {
				work.Do(m.N)
			}
		}
		pid := system.Root.Spawn(protorouter.NewRoundRobinPool(size, actor.WithFunc(receive)))
		return &protoPointer{protoActor{system: system, pid: pid}, new(Plain)}, nil
	}}
}

type protoPointer struct {
	protoActor
	message *Plain
}

func (p *protoPointer) Tell(int) error {
	p.system.Root.Send(p.pid, p.message)
	return nil
}

// ProtoActor is Proto.Actor's own round-robin pool router. It restarts a worker that
// panics, as Troupe does, rather than stop it at the tenth time.
func ProtoActor() Contender {
	return Contender{Name: NameProtoActor, Open: func(size int, work Work) (Pool, error) {
		system := silentSystem()
		receive := func(ctx actor.Context) {
			if n, ok := ctx.Message().(int); ok {
				work.Do(n)
			}
		}
		props := protorouter.NewRoundRobinPool(size,
			actor.WithFunc(receive), actor.WithSupervisor(actor.NewRestartingStrategy()))
		return &protoActor{system: system, pid: system.Root.Spawn(props)}, nil
	}}
}

type protoActor struct {
	system *actor.ActorSystem
	pid    *actor.PID
}

func (p *protoActor) Tell(n int) error {
	p.system.Root.Send(p.pid, n)
	return nil
}

func (p *protoActor) Close() error { return stopActor(p.system, p.pid) }

func stopActor(system *actor.ActorSystem, pid *actor.PID) error {
	err := system.Root.StopFuture(pid).Wait()
	system.Shutdown()
	return err
}

func silentSystem() *actor.ActorSystem {
	return actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
}
