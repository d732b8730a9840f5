package differential_test

import (
	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/router"
)

// A kind is one way to dispatch, in Proto.Actor and in Troupe.
type kind struct {
	name        string
	routerPool  func(size int, opts ...actor.PropsOption) *actor.Props
	routerGroup func(routees ...*actor.PID) *actor.Props
	pool        contender
	group       contender
	view        view // what is compared of what routees see
}

// kinds are all kinds. Two lines of each are Troupe's, one for pools and one for groups.
func kinds() []kind {
	return []kind{
		{
			"round robin", protorouter.NewRoundRobinPool, protorouter.NewRoundRobinGroup,
			poolOf(router.RoundRobin()),
			groupOf(router.RoundRobin()),
			bySequence,
		},
		{
			"random", protorouter.NewRandomPool, protorouter.NewRandomGroup,
			poolOf(router.Random()),
			groupOf(router.Random()),
			bySum,
		},
		{
			"consistent hash", protorouter.NewConsistentHashPool, protorouter.NewConsistentHashGroup,
			poolOf(router.ConsistentHash()),
			groupOf(router.ConsistentHash()),
			byKey,
		},
		{
			"broadcast", protorouter.NewBroadcastPool, protorouter.NewBroadcastGroup,
			poolOf(router.Broadcast()),
			groupOf(router.Broadcast()),
			bySequence,
		},
	}
}

// A contender returns what a scenario is played with: a router or a pool. Only one of
// producer and routees is set.
type contender func(plan plan, producer actor.Producer, routees []*actor.PID) *actor.Props

// A plan says which size and strategy a scenario needs.
type plan struct {
	size     int
	strategy actor.SupervisorStrategy
}

// protoactorPool returns a pool of Proto.Actor's.
func (k kind) protoactorPool() contender {
	return func(p plan, producer actor.Producer, _ []*actor.PID) *actor.Props {
		opts := []actor.PropsOption{actor.WithProducer(producer)}
		if p.strategy != nil {
			opts = append(opts, actor.WithSupervisor(p.strategy))
		}
		return k.routerPool(p.size, opts...)
	}
}

// protoactorGroup returns a group of Proto.Actor's.
func (k kind) protoactorGroup() contender {
	return func(_ plan, _ actor.Producer, routees []*actor.PID) *actor.Props {
		return k.routerGroup(routees...)
	}
}

// poolOf returns a pool of Troupe's that makes its workers.
func poolOf(dispatch router.Dispatch) contender {
	return func(p plan, producer actor.Producer, _ []*actor.PID) *actor.Props {
		opts := []actors.Option{actors.WithSize(p.size), actors.WithDispatch(dispatch)}
		if p.strategy != nil {
			opts = append(opts, actors.WithSupervision(p.strategy))
		}
		return actors.PropsFromProducer(producer, opts...)
	}
}

// groupOf returns a pool of Troupe's whose workers are given.
func groupOf(dispatch router.Dispatch) contender {
	return func(_ plan, _ actor.Producer, routees []*actor.PID) *actor.Props {
		return actors.PropsFromRoutees(routees, actors.WithDispatch(dispatch))
	}
}
