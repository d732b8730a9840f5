package workload

import (
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
)

// Senders send a number of messages to a pool, in equal shares. They exist before the
// first message, so that sending allocates nothing but what the pool allocates.
type senders struct {
	starts []func(share int)
	stop   func()
	// wakes counts how often Proto.Actor has scheduled the senders' own mailboxes.
	// Each time costs an allocation, which is no part of the pool.
	wakes func() int64
}

// send tells each sender to send its share and does not wait for the others. The shares
// add up to the number of messages.
func (s *senders) send(messages int) {
	for i, start := range s.starts {
		share := messages / len(s.starts)
		if i < messages%len(s.starts) {
			share++
		}
		start(share)
	}
}

// From makes senders. The number of messages to choose from is a power of two.
type from func(pool *contender.ActorPool, count int, messages []any) *senders

// outside sends from goroutines that are no actors. A single sender is the goroutine
// that calls send.
func outside(pool *contender.ActorPool, count int, messages []any) *senders {
	s := &senders{stop: func() {}, wakes: func() int64 { return 0 }}
	if count == 1 {
		s.starts = []func(int){func(share int) { sendShare(pool.System.Root, pool.PID, messages, share) }}
		return s
	}
	var all sync.WaitGroup
	shares := make([]chan int, count)
	for i := range shares {
		shares[i] = make(chan int, 1)
		all.Go(func() {
			for share := range shares[i] {
				sendShare(pool.System.Root, pool.PID, messages, share)
			}
		})
		s.starts = append(s.starts, func(share int) { shares[i] <- share })
	}
	s.stop = func() {
		for _, c := range shares {
			close(c)
		}
		all.Wait()
	}
	return s
}

// inside sends from actors, each of which sends its share while it receives one
// message.
func inside(pool *contender.ActorPool, count int, messages []any) *senders {
	var dispatcher countingDispatcher
	s := &senders{stop: func() {}, wakes: dispatcher.wakes.Load} // the actors stop with their system
	props := actor.PropsFromFunc(func(ctx actor.Context) {
		if o, ok := ctx.Message().(*order); ok {
			sendShare(ctx, pool.PID, messages, o.share)
		}
	}, actor.WithDispatcher(&dispatcher))
	for range count {
		pid, order := pool.System.Root.Spawn(props), new(order)
		s.starts = append(s.starts, func(share int) {
			order.share = share // the sender has read the last one: its messages have been counted
			pool.System.Root.Send(pid, order)
		})
	}
	return s
}

// An order tells an actor how many messages to send.
type order struct{ share int }

// sender is what the root context and an actor's context have in common here.
type sender interface {
	Send(pid *actor.PID, message any)
}

func sendShare(s sender, to *actor.PID, messages []any, share int) {
	for i := range share {
		s.Send(to, messages[i&(len(messages)-1)])
	}
}

// A countingDispatcher is Proto.Actor's default dispatcher with a counter.
type countingDispatcher struct{ wakes atomic.Int64 }

// Schedule runs a mailbox.
func (d *countingDispatcher) Schedule(run func()) {
	d.wakes.Add(1)
	go run()
}

// Throughput is that of the default dispatcher.
func (*countingDispatcher) Throughput() int { return 300 }
