package differential_test

import (
	protorouter "github.com/asynkron/protoactor-go/router"
)

// managing are the scenarios in which routees come and go.
func managing() []scenario {
	return []scenario{
		{name: "the routees are asked for", size: 3, senders: true, play: func(s *stage) {
			s.manage(&protorouter.GetRoutees{})
		}},
		{name: "a routee is added", size: 2, play: func(s *stage) {
			s.send("a.1", "b.1", "c.1", "d.1")
			s.next()
			s.manage(&protorouter.AddRoutee{PID: s.spawnRoutee()})
			s.manage(&protorouter.GetRoutees{})
			s.next()
			s.request("a.2", "b.2", "c.2", "d.2", "e.2", "f.2")
		}},
		{name: "the sender that a routee that was added sees", size: 1, kinds: []string{"broadcast"}, senders: true, play: func(s *stage) {
			s.manage(&protorouter.AddRoutee{PID: s.spawnRoutee()})
			s.request("a.1")
		}},
		{name: "a routee is added twice", size: 1, play: func(s *stage) {
			pid := s.spawnRoutee()
			s.manage(&protorouter.AddRoutee{PID: pid})
			s.manage(&protorouter.AddRoutee{PID: pid})
			s.manage(&protorouter.GetRoutees{})
			s.request("a.1", "b.1", "c.1", "d.1")
		}},
		{name: "the pool's own routee is removed", size: 2, only: isPool, play: func(s *stage) {
			s.send("a.1", "b.1", "c.1", "d.1")
			pid := s.aRoutee()
			s.watch(pid)
			s.next()
			s.manage(&protorouter.RemoveRoutee{PID: pid})
			s.pass()
			s.manage(&protorouter.GetRoutees{})
			s.next()
			s.request("a.2", "b.2", "c.2")
		}},
		{name: "the routee of a group is removed", size: 2, only: isGroup, play: func(s *stage) {
			s.send("a.1", "b.1", "c.1", "d.1")
			s.watch(s.members[0])
			s.next()
			s.manage(&protorouter.RemoveRoutee{PID: s.members[0]})
			s.pass()
			s.manage(&protorouter.GetRoutees{})
			s.request("a.2", "b.2", "c.2")
			s.next()
			s.root.Send(s.members[0], word("z.1"))
			s.settle()
		}},
		{name: "a routee that was added is removed", size: 1, play: func(s *stage) {
			pid := s.spawnRoutee()
			s.watch(pid)
			s.manage(&protorouter.AddRoutee{PID: pid})
			s.manage(&protorouter.RemoveRoutee{PID: pid})
			s.pass()
			s.manage(&protorouter.GetRoutees{})
			s.next()
			s.request("a.1", "b.1", "c.1")
			s.root.Send(pid, word("z.1"))
			s.settle()
		}},
		{name: "a routee is removed that is none", size: 2, play: func(s *stage) {
			s.manage(&protorouter.RemoveRoutee{PID: s.spawnRoutee()})
			s.pass()
			s.manage(&protorouter.GetRoutees{})
		}},
		{name: "a routee is removed that has messages in its queue", size: 2, only: isPool, kinds: []string{"round robin"}, play: func(s *stage) {
			s.request("a.1:wait", "a.1:wait", "a.2", "a.2")
			s.manage(&protorouter.RemoveRoutee{PID: s.aRoutee()})
			s.pass()
			s.open()
			s.manage(&protorouter.GetRoutees{})
		}},
		{name: "a routee of a group is removed that has messages", size: 2, only: isGroup, play: func(s *stage) {
			s.manage(&protorouter.BroadcastMessage{Message: word("a.1:wait")})
			s.manage(&protorouter.BroadcastMessage{Message: word("a.2")})
			s.manage(&protorouter.RemoveRoutee{PID: s.members[0]})
			s.pass()
			s.open()
			s.manage(&protorouter.GetRoutees{})
		}},
		{name: "a routee is removed that has broadcast messages in its queue", size: 2, only: isPool, play: func(s *stage) {
			pid := s.aRoutee()
			s.watch(pid)
			s.manage(&protorouter.BroadcastMessage{Message: word("a.1:wait")})
			s.manage(&protorouter.BroadcastMessage{Message: word("a.2")})
			s.next()
			s.manage(&protorouter.RemoveRoutee{PID: pid})
			s.pass()
			s.open()
			s.manage(&protorouter.GetRoutees{})
		}},
		{name: "the last routee is removed", size: 1, only: isPool, play: func(s *stage) {
			s.manage(&protorouter.RemoveRoutee{PID: s.aRoutee()})
			s.pass()
			s.manage(&protorouter.GetRoutees{})
			s.request("a.1")
		}},
		{name: "the last routee of a group is removed", size: 1, only: isGroup, play: func(s *stage) {
			s.manage(&protorouter.RemoveRoutee{PID: s.members[0]})
			s.pass()
			s.manage(&protorouter.GetRoutees{})
			s.request("a.1")
		}},
		{name: "the size is adjusted upward", size: 1, only: isPool, play: func(s *stage) {
			s.manage(&protorouter.AdjustPoolSize{Change: 2})
			s.pass()
			s.manage(&protorouter.GetRoutees{})
			s.manage(&protorouter.BroadcastMessage{Message: word("a.1")})
		}},
		{name: "the size is adjusted downward", size: 3, only: isPool, play: func(s *stage) {
			s.manage(&protorouter.AdjustPoolSize{Change: -2})
			s.pass()
			s.manage(&protorouter.GetRoutees{})
			s.manage(&protorouter.BroadcastMessage{Message: word("a.1")})
		}},
		{name: "the size is adjusted below one", size: 1, only: isPool, play: func(s *stage) {
			s.manage(&protorouter.AdjustPoolSize{Change: -1})
			s.pass()
			s.manage(&protorouter.GetRoutees{})
		}},
		{name: "the size of a group is adjusted", size: 1, only: isGroup, play: func(s *stage) {
			s.manage(&protorouter.AdjustPoolSize{Change: 1})
			s.manage(&protorouter.GetRoutees{})
		}},
		{name: "management messages without a sender", size: 2, play: func(s *stage) {
			pid := s.spawnRoutee()
			for _, message := range []any{
				&protorouter.GetRoutees{}, &protorouter.AddRoutee{PID: pid}, &protorouter.RemoveRoutee{PID: pid},
				&protorouter.RemoveRoutee{PID: s.sender}, &protorouter.AdjustPoolSize{},
			} {
				s.root.Send(s.pool, message)
				s.pass()
			}
			s.manage(&protorouter.GetRoutees{})
		}},
		{name: "a pool is a routee of another", size: 2, play: func(s *stage) {
			other := s.root.Spawn(protorouter.NewRoundRobinGroup(s.spawnRoutee()))
			s.manage(&protorouter.AddRoutee{PID: other})
			s.request("a.1", "b.1", "c.1", "d.1", "e.1", "f.1", "g.1", "h.1", "i.1")
		}},
	}
}
