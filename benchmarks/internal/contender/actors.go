package contender

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// A Plain is a message without a key. It is allocated beforehand and sent by pointer.
type Plain struct{ N int }

// A Keyed is a message that consistent hashing sends by its key. It is allocated
// beforehand and sent by pointer.
type Keyed struct{ Key string }

// Hash returns the key. Both Proto.Actor's router and Troupe look for this method.
func (k *Keyed) Hash() string { return k.Key }

// An ActorPool is a pool of actors that receives its tasks as messages to a PID.
type ActorPool struct {
	System *actor.ActorSystem
	PID    *actor.PID
}

// Close stops the pool and its actor system.
func (p *ActorPool) Close() error { return stopActor(p.System, p.PID) }

// An ActorContender is a kind of pool of actors.
type ActorContender struct {
	Name string
	// Open makes a pool whose workers come from a producer.
	Open func(size int, worker actor.Producer) (*ActorPool, error)
}

// Routers returns Troupe with each dispatch that chooses a worker without a key, and
// Proto.Actor's round-robin pool. A send by an actor never blocks, so a bounded queue
// would reject what a flood of messages has too much. Troupe's queue is therefore
// unbounded here, as Proto.Actor's always is.
func Routers() []ActorContender {
	unbounded := actors.WithQueue(actors.Unbounded, actors.Block)
	return []ActorContender{
		TroupeActors(NameRoundRobin, router.RoundRobin(), unbounded),
		TroupeActors(NameRandom, router.Random(), unbounded),
		TroupeActors(NameLeastBusy, router.LeastBusy(), unbounded),
		TroupeActors(NameCustom, inTurn(), unbounded),
		ProtoActorPool(),
	}
}

// HashRouters returns the pools that dispatch by key, with unbounded queues as in
// [Routers].
func HashRouters() []ActorContender {
	return []ActorContender{
		TroupeActors(NameHash, router.ConsistentHash(), actors.WithQueue(actors.Unbounded, actors.Block)),
		protoActors(NameProtoHash, protorouter.NewConsistentHashPool),
	}
}

// TroupeActors is Troupe with workers that are the user's own actors.
func TroupeActors(name string, dispatch router.Dispatch, options ...actors.Option) ActorContender {
	return ActorContender{Name: name, Open: func(size int, worker actor.Producer) (*ActorPool, error) {
		options := append([]actors.Option{actors.WithSize(size), actors.WithDispatch(dispatch)}, options...)
		return openActors(actors.PropsFromProducer(worker, options...))
	}}
}

// TroupeHandler is Troupe with a handler that returns its payload, a *[Plain]. It is
// sent a *messages.Task and answers with a *messages.Result. The producer is not used.
func TroupeHandler(name string, dispatch router.Dispatch) ActorContender {
	return ActorContender{Name: name, Open: func(size int, _ actor.Producer) (*ActorPool, error) {
		return openActors(actors.PropsFromHandler(echo, actors.WithSize(size), actors.WithDispatch(dispatch)))
	}}
}

// ProtoActorPool is Proto.Actor's round-robin pool.
func ProtoActorPool() ActorContender {
	return protoActors(NameProtoActor, protorouter.NewRoundRobinPool)
}

func protoActors(name string, props func(int, ...actor.PropsOption) *actor.Props) ActorContender {
	return ActorContender{Name: name, Open: func(size int, worker actor.Producer) (*ActorPool, error) {
		return openActors(props(size, actor.WithProducer(worker)))
	}}
}

// TroupeRoutees is Troupe with foreign routees.
func TroupeRoutees(name string, dispatch router.Dispatch) ActorContender {
	return group(name, func(routees ...*actor.PID) *actor.Props {
		return actors.PropsFromRoutees(routees, actors.WithDispatch(dispatch))
	})
}

// ProtoActorGroup is Proto.Actor's round-robin group.
func ProtoActorGroup() ActorContender { return group(NameProtoGroup, protorouter.NewRoundRobinGroup) }

// group makes pools of actors that are spawned before.
func group(name string, props func(...*actor.PID) *actor.Props) ActorContender {
	return ActorContender{Name: name, Open: func(size int, worker actor.Producer) (*ActorPool, error) {
		system := silentSystem()
		routees := make([]*actor.PID, size)
		for i := range routees {
			routees[i] = system.Root.Spawn(actor.PropsFromProducer(worker))
		}
		return openActorsIn(system, props(routees...))
	}}
}

func openActors(props *actor.Props) (*ActorPool, error) {
	return openActorsIn(silentSystem(), props)
}

func openActorsIn(system *actor.ActorSystem, props *actor.Props) (*ActorPool, error) {
	pid, err := system.Root.SpawnNamed(props, "pool")
	if err != nil {
		system.Shutdown()
		return nil, err
	}
	return &ActorPool{System: system, PID: pid}, nil
}

// inTurn is a custom dispatch that picks the workers in turn, which is the least that
// one can do.
func inTurn() router.Dispatch {
	var turn atomic.Uint64
	return router.Custom(func(_ router.TaskView, workers router.Workers) int {
		return int(turn.Add(1) % uint64(workers.Len()))
	})
}

// Filled reports whether a result carries everything that a pool knows of a task that
// succeeded at the first attempt.
func Filled(r *messages.Result) bool {
	return r.Err == nil && r.Outcome == messages.Succeeded && r.Value != nil &&
		r.TaskID != "" && r.Worker != "" && r.Attempts == 1
}
