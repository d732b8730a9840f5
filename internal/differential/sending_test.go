package differential_test

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
)

// sending are the scenarios in which nothing happens but messages.
func sending() []scenario {
	return []scenario{
		{name: "messages without a sender", size: 3, play: func(s *stage) {
			s.send("a.1", "b.1", "a.2", "c.1", "b.2", "a.3")
			s.settle()
			s.next()
			s.send("a.4", "d.1")
		}},
		{name: "requests of an actor", size: 3, senders: true, play: func(s *stage) {
			s.request("a.1", "b.1", "a.2", "c.1", "b.2", "a.3")
		}},
		{name: "requests with another sender", size: 2, senders: true, play: func(s *stage) {
			for _, w := range []word{"a.1", "b.1", "a.2"} {
				s.root.RequestWithCustomSender(s.pool, w, s.watcher)
			}
			s.settle()
		}},
		{name: "a request of a future", size: 1, senders: true, play: func(s *stage) {
			s.future("a.1")
		}},
		{name: "requests of futures", size: 3, kinds: []string{"round robin", "random", "consistent hash"}, play: func(s *stage) {
			for _, w := range []word{"a.1", "b.1", "c.1"} {
				s.future(w)
			}
		}},
		{name: "a routee answers twice", size: 1, play: func(s *stage) {
			s.request("a.1:answer first", "b.1")
		}},
		{name: "a routee answers later", size: 1, play: func(s *stage) {
			s.request("a.1:answer later", "b.1")
			time.Sleep(2 * time.Second)
		}},
		{name: "a routee lets another actor answer", size: 1, play: func(s *stage) {
			s.request("a.1:forward", "b.1")
		}},
		{name: "a routee watches the sender", size: 1, play: func(s *stage) {
			s.request("a.1:watch")
			s.root.Stop(s.sender)
			s.settle()
		}},
		{name: "a forwarded message", size: 1, senders: true, play: func(s *stage) {
			s.root.Send(s.sender, func(ctx actor.Context) {
				props := actor.PropsFromFunc(func(ctx actor.Context) {
					if _, ok := ctx.Message().(word); ok {
						ctx.Forward(s.pool)
					}
				})
				ctx.Send(ctx.Spawn(props), &actor.MessageEnvelope{
					Header: map[string]string{"k": "v"}, Message: word("a.1"), Sender: s.watcher,
				})
			})
			s.settle()
		}},
		{name: "headers", size: 2, play: func(s *stage) {
			for _, w := range []word{"a.1", "b.1", "a.2"} {
				s.root.Send(s.pool, &actor.MessageEnvelope{
					Header: map[string]string{"k": "v", "x": "y"}, Message: w, Sender: s.sender,
				})
			}
			s.settle()
		}},
		{name: "a batch of messages", size: 1, play: func(s *stage) {
			s.root.RequestWithCustomSender(s.pool, batch{word("a.1"), word("b.1"), word("a.2")}, s.sender)
			s.settle()
		}},
		{name: "a batch of messages in several routees", size: 3, play: func(s *stage) {
			s.root.Send(s.pool, batch{word("a.1"), word("a.2"), word("a.3")})
			s.settle()
		}},
		{name: "a message without a key", size: 1, play: func(s *stage) {
			s.do("Request", func(ctx actor.Context) { ctx.Request(s.pool, "plain") })
		}},
		{name: "a message that answers itself", size: 2, play: func(s *stage) {
			s.do("Request", func(ctx actor.Context) { ctx.Request(s.pool, &actor.Touch{}) })
		}},
		{name: "a broadcast", size: 3, play: func(s *stage) {
			s.manage(&protorouter.BroadcastMessage{Message: word("a.1")})
			s.next()
			s.send("b.1", "b.2")
		}},
		{name: "a broadcast with headers", size: 2, play: func(s *stage) {
			s.root.Send(s.pool, &actor.MessageEnvelope{
				Header: map[string]string{"k": "v"}, Message: &protorouter.BroadcastMessage{Message: word("a.1")},
			})
			s.settle()
		}},
		{name: "a broadcast of a message without a key", size: 2, play: func(s *stage) {
			s.manage(&protorouter.BroadcastMessage{Message: "plain"})
		}},
		{name: "more messages than a queue holds", size: 1, only: isPool, play: func(s *stage) {
			s.send("a.1:wait")
			s.call("Send", func() any {
				for range 2000 {
					s.root.RequestWithCustomSender(s.pool, word("b.1"), s.sender)
				}
				return nil
			})
			s.open()
		}},
		{name: "a routee of a group has more messages than a queue holds", size: 1, only: isGroup, play: func(s *stage) {
			s.send("a.1:wait")
			for range 4 {
				for range 500 {
					s.root.RequestWithCustomSender(s.pool, word("b.1"), s.sender)
				}
				s.settle()
			}
			s.open()
		}},
		{name: "a routee sends to its own pool", size: 1, play: func(s *stage) {
			s.request("a.1:ask the pool")
		}},
		{name: "an answer that comes late", size: 1, play: func(s *stage) {
			s.call("RequestFuture", func() any {
				future := s.root.RequestFuture(s.pool, word("a.1:wait"), time.Second)
				time.Sleep(2 * time.Second)
				s.open()
				return result(future)
			})
			time.Sleep(3 * time.Second)
		}},
	}
}

// future requests an answer by a future.
func (s *stage) future(w word) {
	s.t.Helper()
	s.call("RequestFuture", func() any { return result(s.root.RequestFuture(s.pool, w, time.Second)) })
	time.Sleep(2 * time.Second)
}

// result returns the answer that a future has, or its error.
func result(f *actor.Future) any {
	answer, err := f.Result()
	if err != nil {
		return err
	}
	return answer
}
