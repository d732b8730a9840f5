package supervision

import (
	"strconv"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// childSpawner spawns actors whose parent is the supervisor, but not on the supervisor's
// goroutine. It is safe for concurrent use.
type childSpawner struct {
	pool  *pool
	last  *atomic.Int64 // the number of the last worker; workers are named by their numbers
	start actor.SpawnFunc
}

func newChildSpawner(p *pool, last *atomic.Int64) *childSpawner {
	c := &childSpawner{pool: p, last: last}
	// Proto.Actor passes the function that spawns props like those of a child to the
	// middleware of spawns only.
	(&actor.Props{}).Configure(actor.WithSpawnMiddleware(func(next actor.SpawnFunc) actor.SpawnFunc {
		c.start = next
		return next
	}))
	return c
}

// spawn spawns a worker. It runs user code, which may panic or end the goroutine.
func (c *childSpawner) spawn(props *actor.Props) (*actor.PID, error) {
	id := c.pool.self().Id + "/" + strconv.FormatInt(c.last.Add(1), 10)
	returned := false
	defer func() {
		if !returned { // it may have got its name
			c.free(id)
		}
	}()
	system := c.pool.deliver.System()
	pid, err := c.start(system, id, props, child{system.Root, c.pool.self()})
	returned = true
	return pid, err
}

// free frees the name of a worker that was not spawned.
func (c *childSpawner) free(id string) {
	system := c.pool.deliver.System()
	pid := system.NewLocalPID(id)
	c.pool.workers.Discard(pid)
	system.ProcessRegistry.Remove(pid)
}

// child is the context in which workers are spawned. It stands for the supervisor.
type child struct {
	actor.SpawnerContext
	parent *actor.PID
}

// Self implements [actor.SpawnerContext].
func (c child) Self() *actor.PID { return c.parent }
