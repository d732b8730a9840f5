package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/internal/invalid"
)

// PropsFromRoutees returns the props of a pool whose tasks go to actors that exist already, on
// this machine or elsewhere. Use it in place of Proto.Actor's groups. Each routee receives every
// message as it was sent, except that its sender is an address of the pool's.
//
// A task that has a sender stays with its routee, and counts as running there, until the routee
// answers. The first answer settles the task and reaches the sender unchanged; further answers are
// Proto.Actor dead letters. A task without a timeout times out one minute after it was forwarded,
// since an actor that has panicked never answers. A task without a sender is done when it has been
// forwarded. Under router.LeastBusy a routee has one task at a time, and under every other
// dispatch any number.
//
// A routee that terminates leaves the pool. What it had in hand fails with
// messages.ErrRouteeTerminated, or is retried under [WithRetry]; its queued tasks go to the other
// routees. Without any routee, tasks are refused with messages.ErrNoWorkers until an AddRoutee
// message of Proto.Actor's brings one. The pool never stops a routee.
//
// The size of the pool is the number of routees, of which each counts once. routees may be empty.
// A nil or empty PID in it is an error, and so is an option that is for own workers: [WithSize],
// [WithAutoscale], [WithSupervision], [WithWorkerProps], [WithMaxHeld] and those that recycle
// workers. If an option makes no sense, spawning the props fails.
func PropsFromRoutees(routees []*actor.PID, opts ...Option) *actor.Props {
	return propsOf(newRouteeWork(routees), false, opts)
}

// newRouteeWork returns the design of pools of foreign actors.
func newRouteeWork(routees []*actor.PID) design {
	producer := func() actor.Actor { panic("troupe: a pool of routees has no workers of its own") }
	return func(c *config) (func() work, error) {
		if err := c.noOwnWorkers(); err != nil {
			return nil, err
		}
		distinct, err := distinctPIDs(routees)
		if err != nil {
			return nil, err
		}
		c.size, c.routees, c.routeesOnly = 0, distinct, true
		return newActorWork(producer)(c)
	}
}

// noOwnWorkers returns an error if there are options that are for a pool's own workers.
func (c *config) noOwnWorkers() error {
	const why = "a pool of routees has no workers of its own"
	switch {
	case c.sized:
		return invalid.Option("size %d: %s", c.size, why)
	case c.autoscale != nil:
		return invalid.Option("autoscale %+v: %s", *c.autoscale, why)
	case c.supervised:
		return invalid.Option("supervision strategy %T: %s", c.strategy, why)
	case len(c.workerProps) > 0:
		return invalid.Option("%d worker props: %s", len(c.workerProps), why)
	case c.maxHeld > 0:
		return invalid.Option("max held %d: %s", c.maxHeld, why)
	case c.recycling != engine.Recycling{}:
		return invalid.Option("recycling %+v: %s", c.recycling, why)
	}
	return nil
}

// distinctPIDs returns the PIDs, each once. An empty one is an error.
func distinctPIDs(pids []*actor.PID) ([]*actor.PID, error) {
	type key struct {
		address, id string
		request     uint32
	}
	seen := make(map[key]bool, len(pids))
	distinct := make([]*actor.PID, 0, len(pids))
	for i, pid := range pids {
		if pid.GetId() == "" {
			return nil, invalid.Option("routee %d is %v: no PID", i, pid)
		}
		k := key{pid.Address, pid.Id, pid.RequestId}
		if !seen[k] {
			seen[k] = true
			distinct = append(distinct, pid)
		}
	}
	return distinct, nil
}
