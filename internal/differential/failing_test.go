package differential_test

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
)

// failing are the scenarios in which routees fail or stop.
func failing() []scenario {
	return []scenario{
		{name: "a routee panics", size: 1, play: func(s *stage) {
			s.request("a.1", "a.2:panic", "b.1")
		}},
		{name: "a routee panics on a message without a sender", size: 1, play: func(s *stage) {
			s.send("a.1", "a.2:panic", "b.1")
		}},
		{name: "a future waits for a routee that panics", size: 1, play: func(s *stage) {
			s.future("a.1:panic")
		}},
		{name: "a routee panics eleven times", size: 1, play: func(s *stage) {
			for n := range 11 {
				s.send(word(fmt.Sprintf("a.%d:panic", n+1)))
			}
			s.pass()
			s.next()
			s.manage(&protorouter.GetRoutees{})
			s.send("b.1")
		}},
		{
			name: "a routee panics under a strategy that stops", size: 2, only: isPool,
			strategy: actor.NewOneForOneStrategy(1, 1, func(any) actor.Directive { return actor.StopDirective }),
			play: func(s *stage) {
				s.send("a.1:panic")
				s.pass()
				s.manage(&protorouter.GetRoutees{})
				s.next()
				s.manage(&protorouter.BroadcastMessage{Message: word("b.1")})
			},
		},
		{
			name: "a routee panics under a strategy that resumes", size: 1, only: isPool,
			strategy: actor.NewOneForOneStrategy(1, 1, func(any) actor.Directive { return actor.ResumeDirective }),
			play: func(s *stage) {
				s.send("a.1:panic", "b.1")
				s.pass()
			},
		},
		{name: "a routee ends its goroutine", size: 1, play: func(s *stage) {
			s.request("a.1:exit", "b.1")
		}},
		{name: "a routee stops itself", size: 2, play: func(s *stage) {
			s.send("a.1:stop")
			s.pass()
			s.manage(&protorouter.GetRoutees{})
			s.next()
			s.manage(&protorouter.BroadcastMessage{Message: word("b.1")})
		}},
		{name: "a routee stops itself, with messages in the queue", size: 1, play: func(s *stage) {
			s.request("a.1:wait", "a.2:stop", "b.1", "b.2")
			s.open()
			s.pass()
		}},
		{name: "a routee poisons itself", size: 1, play: func(s *stage) {
			s.request("a.1:wait", "a.2:poison", "b.1", "b.2")
			s.open()
			s.pass()
			s.next()
			s.manage(&protorouter.GetRoutees{})
		}},
		{name: "a routee is stopped from outside", size: 2, play: func(s *stage) {
			pid := s.aRoutee()
			s.watch(pid)
			s.root.Stop(pid)
			s.pass()
			s.manage(&protorouter.GetRoutees{})
			s.next()
			s.manage(&protorouter.BroadcastMessage{Message: word("b.1")})
		}},
		{name: "a routee that was added stops", size: 1, play: func(s *stage) {
			pid := s.spawnRoutee()
			s.manage(&protorouter.AddRoutee{PID: pid})
			s.root.Stop(pid)
			s.pass()
			s.manage(&protorouter.GetRoutees{})
			s.next()
			s.manage(&protorouter.BroadcastMessage{Message: word("b.1")})
		}},
		{name: "a routee that was added panics", size: 1, play: func(s *stage) {
			s.manage(&protorouter.AddRoutee{PID: s.spawnRoutee()})
			s.manage(&protorouter.BroadcastMessage{Message: word("a.1:panic")})
			s.manage(&protorouter.BroadcastMessage{Message: word("b.1")})
		}},
		{name: "all routees stop", size: 2, play: func(s *stage) {
			s.manage(&protorouter.BroadcastMessage{Message: word("a.1:stop")})
			s.pass()
			s.next()
			s.manage(&protorouter.GetRoutees{})
			s.request("b.1")
		}},
		{name: "no routees from the beginning", size: 0, play: func(s *stage) {
			s.manage(&protorouter.GetRoutees{})
			s.request("a.1")
		}},
	}
}
