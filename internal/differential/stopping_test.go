package differential_test

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
)

// pass lets more time pass than a router waits before it stops a routee.
func (s *stage) pass() {
	time.Sleep(10 * time.Millisecond)
	s.settle()
}

// stopping are the scenarios in which the pool stops.
func stopping() []scenario {
	return []scenario{
		{name: "Stop", size: 2, play: func(s *stage) {
			s.watch(s.pool)
			s.call("Stop", func() any { s.root.Stop(s.pool); return nil })
			s.pass()
		}},
		{name: "Stop of an actor", size: 2, play: func(s *stage) {
			s.watch(s.pool)
			s.do("Stop", func(ctx actor.Context) { ctx.Stop(s.pool) })
			s.pass()
		}},
		{name: "Stop, with messages in the queue", size: 1, play: func(s *stage) {
			s.watch(s.pool)
			s.request("a.1:wait", "a.2", "b.1")
			s.next()
			s.call("Stop", func() any { s.root.Stop(s.pool); return nil })
			s.open()
		}},
		{name: "StopFuture", size: 2, play: func(s *stage) {
			s.call("StopFuture", func() any { return result(s.root.StopFuture(s.pool)) })
		}},
		{name: "Poison", size: 2, play: func(s *stage) {
			s.watch(s.pool)
			s.call("Poison", func() any { s.root.Poison(s.pool); return nil })
			s.pass()
		}},
		{name: "Poison, with messages in the queue", size: 1, play: func(s *stage) {
			s.watch(s.pool)
			s.request("a.1:wait", "a.2", "b.1")
			s.next()
			s.call("Poison", func() any { s.root.Poison(s.pool); return nil })
			s.open()
		}},
		{name: "PoisonFuture", size: 2, play: func(s *stage) {
			s.call("PoisonFuture", func() any { return result(s.root.PoisonFuture(s.pool)) })
		}},
		{name: "a PoisonPill", size: 2, play: func(s *stage) {
			s.watch(s.pool)
			s.do("Request", func(ctx actor.Context) { ctx.Request(s.pool, &actor.PoisonPill{}) })
			s.pass()
		}},
		{name: "a broadcast of a PoisonPill", size: 2, play: func(s *stage) {
			s.manage(&protorouter.BroadcastMessage{Message: &actor.PoisonPill{}})
			s.pass()
			s.manage(&protorouter.GetRoutees{})
			s.next()
			s.manage(&protorouter.BroadcastMessage{Message: word("b.1")})
		}},
		{name: "several watchers, and one that watches no more", size: 1, play: func(s *stage) {
			s.watch(s.pool)
			s.watch(s.pool)
			s.do("Watch", func(ctx actor.Context) {
				ctx.Watch(s.pool)
				ctx.Unwatch(s.pool)
			})
			s.call("Stop", func() any { s.root.Stop(s.pool); return nil })
			s.pass()
		}},
		{name: "a watcher that comes too late", size: 1, play: func(s *stage) {
			s.call("Stop", func() any { s.root.Stop(s.pool); return nil })
			s.pass()
			s.watch(s.pool)
			s.watch(s.anew())
		}},
		{name: "Stop, twice", size: 1, play: func(s *stage) {
			s.watch(s.pool)
			s.call("Stop", func() any { s.root.Stop(s.pool); return nil })
			s.call("Stop", func() any { s.root.Stop(s.pool); return nil })
			s.call("StopFuture", func() any { return result(s.root.StopFuture(s.pool)) })
		}},
		{name: "messages after Stop", size: 1, play: func(s *stage) {
			s.call("Stop", func() any { s.root.Stop(s.pool); return nil })
			s.pass()
			s.next()
			s.request("a.1")
			s.send("b.1")
			s.future("c.1")
		}},
		{name: "messages after Stop, to an address that was copied", size: 1, play: func(s *stage) {
			s.call("Stop", func() any { s.root.Stop(s.pool); return nil })
			s.pass()
			s.next()
			s.pool = s.anew()
			s.request("a.1")
			s.send("b.1")
			s.future("c.1")
		}},
		{name: "management messages after Stop", size: 1, play: func(s *stage) {
			s.call("Stop", func() any { s.root.Stop(s.pool); return nil })
			s.pass()
			s.manage(&protorouter.GetRoutees{})
			s.manage(&protorouter.BroadcastMessage{Message: word("a.1")})
		}},
		{name: "a routee stops the pool", size: 1, play: func(s *stage) {
			s.watch(s.pool)
			s.send("a.1:stop the pool")
			time.Sleep(11 * time.Second) // a router waits for its routee, which waits for the router
		}},
		{name: "the parent stops the pool", size: 1, parent: true, play: func(s *stage) {
			s.do("Stop", func(ctx actor.Context) { ctx.Stop(s.pool) })
			s.pass()
		}},
		{name: "the parent stops the pool that it watches", size: 1, parent: true, play: func(s *stage) {
			s.do("Watch", func(ctx actor.Context) { ctx.Watch(s.pool) })
			s.do("Stop", func(ctx actor.Context) { ctx.Stop(s.pool) })
			s.pass()
		}},
		{name: "the parent stops", size: 2, parent: true, play: func(s *stage) {
			pids := s.ask(s.pool, &protorouter.GetRoutees{}).(*protorouter.Routees).PIDs
			s.watch(s.pool)
			s.call("StopFuture", func() any { return result(s.root.StopFuture(s.sender)) })
			s.pass()
			s.next()
			for _, pid := range pids {
				s.root.Send(pid, word("z.1"))
			}
			s.settle()
			s.taken(s.pool.Id)
		}},
		{name: "the parent restarts", size: 1, parent: true, play: func(s *stage) {
			s.root.Send(s.sender, func(actor.Context) { panic("a panic") })
			s.pass()
			s.taken(s.pool.Id)
			s.next()
			s.send("a.1")
		}},
		{name: "the name of a pool is used again", size: 1, play: func(s *stage) {
			s.taken(s.pool.Id)
			s.call("StopFuture", func() any { return result(s.root.StopFuture(s.pool)) })
			s.taken(s.pool.Id)
		}},
	}
}

// anew returns a copy of the address of the pool.
func (s *stage) anew() *actor.PID { return actor.NewPID(s.pool.Address, s.pool.Id) }

// taken notes whether a name can be used.
func (s *stage) taken(name string) {
	s.t.Helper()
	s.call("SpawnNamed", func() any {
		pid, err := s.root.SpawnNamed(actor.PropsFromFunc(func(actor.Context) {}), name)
		if err != nil {
			return err
		}
		s.root.Stop(pid)
		return "spawned"
	})
}
