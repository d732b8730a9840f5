package browser_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/troupe-go/troupe/messages"
)

// durable is a durable queue for the tests to change.
type durable struct {
	name string

	mu      sync.Mutex
	stats   messages.DurableStats // guarded by mu, but for the count of dead letters
	letters []messages.DeadLetter // guarded by mu
	err     error                 // guarded by mu; of every call
	again   []uint64              // guarded by mu; the numbers of the letters that were submitted again
	read    int                   // guarded by mu; how often the letters were
	hung    bool                  // guarded by mu; Inspect does not return before its context ends
	slow    chan struct{}         // guarded by mu; the next call of DeadLetters returns when it is closed
}

func (q *durable) Name() string { return q.name }

func (q *durable) Inspect(ctx context.Context) (messages.DurableStats, error) {
	var stats messages.DurableStats
	var hung bool
	err := q.with(func() {
		hung = q.hung
		stats = q.stats
		stats.At, stats.Dead = time.Now(), int64(len(q.letters))
		stats.Nodes = slices.Clone(stats.Nodes)
		for i := range stats.Nodes { // they are alive
			stats.Nodes[i].Seen = stats.Nodes[i].Seen.Add(stats.At.Sub(q.stats.At))
		}
	})
	if hung {
		<-ctx.Done()
		return stats, ctx.Err()
	}
	return stats, err
}

func (q *durable) DeadLetters(_ context.Context, after uint64, limit int) (found []messages.DeadLetter, err error) {
	var slow chan struct{}
	err = q.with(func() {
		q.read++
		slow, q.slow = q.slow, nil
		for _, l := range q.letters {
			if l.Number > after && len(found) < limit {
				found = append(found, l)
			}
		}
	})
	if slow != nil {
		<-slow
	}
	return found, err
}

func (q *durable) Requeue(_ context.Context, numbers ...uint64) (n int, err error) {
	err = q.with(func() {
		n = q.remove(numbers)
		q.again = append(q.again, numbers...)
		q.stats.Ready += int64(n)
	})
	return n, err
}

func (q *durable) Delete(_ context.Context, numbers ...uint64) (n int, err error) {
	err = q.with(func() { n = q.remove(numbers) })
	return n, err
}

func (q *durable) remove(numbers []uint64) int {
	before := len(q.letters)
	q.letters = slices.DeleteFunc(q.letters, func(l messages.DeadLetter) bool { return slices.Contains(numbers, l.Number) })
	return before - len(q.letters)
}

// with does something to the queue, and returns the error that its calls return.
func (q *durable) with(do func()) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		do()
	}
	return q.err
}

// change changes the queue, whatever its calls return.
func (q *durable) change(do func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	do()
}

// die adds dead letters, with the numbers that follow.
func (q *durable) die(letters ...messages.DeadLetter) {
	q.change(func() {
		for _, l := range letters {
			l.Number = 1
			if n := len(q.letters); n > 0 {
				l.Number = q.letters[n-1].Number + 1
			}
			q.letters = append(q.letters, l)
		}
	})
}

// cold is a dead letter.
func cold(id string) messages.DeadLetter {
	return messages.DeadLetter{
		ID: id, Payload: []byte(`{"tea":"jasmine"}`), Reason: messages.DeadAttempts, Outcome: messages.Failed, Err: "the kettle is cold",
		Attempts: 3, Node: "kitchen-1", Died: time.Date(2026, 7, 14, 9, 30, 0, 0, time.Local),
	}
}

var errStore = errors.New("nats: no servers available for connection")

// brew is a durable queue with something of everything.
func brew(name string) *durable {
	at := time.Now()
	node := func(name string, seen time.Duration, held, busy int, acked, retried, dead, back, again int64) messages.DurableNode {
		return messages.DurableNode{
			Node: name, Pool: "kettles", Since: at.Add(-26 * time.Hour), Seen: at.Add(-seen), Workers: 8,
			Busy: busy, Held: held, Acked: acked, Retried: retried, Dead: dead, GivenBack: back, Again: again,
		}
	}
	q := &durable{name: name, stats: messages.DurableStats{
		At: at, Ready: 1204, Delayed: 37, InHand: 19, Retrying: 6, Oldest: 94 * time.Second, Bytes: 5 << 20,
		Levels: []messages.DurableLevel{{Priority: 9, Ready: 4, InHand: 3}, {Priority: 0, Ready: 1200, InHand: 16}},
		Nodes: []messages.DurableNode{
			node("kitchen-1", time.Second, 10, 8, 51_230, 412, 2, 31, 4), node("kitchen-2", 600*time.Millisecond, 9, 7, 49_877, 398, 1, 0, 3),
		},
		Servers: []messages.DurableServer{
			{Name: "nats-a", Leader: true, Current: true},
			{Name: "nats-b", Current: true, Active: 300 * time.Millisecond},
			{Name: "nats-c", Lag: 1893, Active: 42 * time.Second},
		},
	}}
	crash := cold("order-17")
	crash.Key, crash.Priority, crash.Outcome, crash.Err = "table-4", 9, messages.Panicked, "panic: the kettle bursts"
	crash.Stack = "goroutine 41 [running]:\nmain.boil({0xc000118000, 0x1c})\n\t/src/kettle.go:42 +0x1d4\n"
	lost := cold("order-23")
	lost.Reason, lost.Err, lost.Payload = messages.DeadLost, "3 times whoever had it was not heard of again", []byte{0, 1, 2, 0xff, 't', 'e', 'a'}
	q.die(cold("order-12"), crash, lost)
	for i := range 2 {
		broken := cold(fmt.Sprintf("order-%d", 31+i))
		broken.Reason, broken.Attempts, broken.Err = messages.DeadPayload, 0, "json: cannot unmarshal string into Go struct field order.cups of type int"
		broken.Payload = []byte(`{"cups":"two"}`)
		q.die(broken)
	}
	return q
}
