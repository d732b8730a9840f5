package jetstream_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/jetstream"
	"github.com/troupe-go/troupe/messages"
)

// ends are the ways in which a node can end a delivery whose task another node has settled.
var ends = map[string]struct {
	settle func(t *testing.T, f *jetstream.Feeder, settled chan struct{})
	ended  func(messages.DurableNode) bool
}{
	"retried": {
		func(_ *testing.T, _ *jetstream.Feeder, settled chan struct{}) { close(settled) },
		func(n messages.DurableNode) bool { return n.Retried == 1 },
	},
	"given back": {
		func(t *testing.T, f *jetstream.Feeder, _ chan struct{}) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, _ = f.Stop(ctx) // it cancels the handler
		},
		func(n messages.DurableNode) bool { return n.GivenBack == 1 },
	},
}

// A node whose lease was over before it knew settles tasks that another node has settled.
func TestNoRecordStaysOfATaskThatAnotherNodeHasSettled(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			store := open(t, t.TempDir(), jetstream.WithListen("127.0.0.1:0"))
			q := queue(t, store)
			begun, settled := make(chan struct{}), make(chan struct{})
			f := attach(t, q, pool(t, func(ctx context.Context, _ int) (int, error) {
				close(begun)
				select {
				case <-settled:
				case <-ctx.Done():
				}
				return 0, errors.New("no")
			}), jetstream.WithRetry(actors.Retry{Attempts: 2, Min: time.Hour, Max: time.Hour}))
			submit(t, q, 1)
			<-begun
			tasks, err := raw(t, store).Stream(t.Context(), "troupe_tasks_numbers")
			require.NoError(t, err)
			require.NoError(t, tasks.DeleteMsg(t.Context(), 1)) // as the other node's end of the task does
			end.settle(t, f, settled)
			require.Eventually(t, func() bool { return end.ended(f.Stats()) && f.Stats().Held == 0 }, patience, time.Millisecond)
			assert.Zero(t, inspect(t, q).Retrying)
		})
	}
}

// The other node writes the record after this one has looked for it.
func TestNoRecordStaysThatAnotherNodeHasWrittenMeanwhile(t *testing.T) {
	store := open(t, t.TempDir(), jetstream.WithListen("127.0.0.1:0"))
	q := queue(t, store, jetstream.Lease(time.Second))
	server := raw(t, store)
	consumer, err := server.Consumer(t.Context(), "troupe_tasks_numbers", "level-0")
	require.NoError(t, err)
	submit(t, q, 1)
	_, err = consumer.Next() // a node takes the task, and its lease ends
	require.NoError(t, err)

	g := newGate()
	attach(t, q, pool(t, g.handle))
	<-g.begun
	_, err = server.Publish(t.Context(), "troupe.numbers.attempts.1", []byte(`{"returned":1}`))
	require.NoError(t, err)
	assert.Equal(t, int64(1), inspect(t, q).Retrying)
	close(g.open)
	eventually(t, q, func(s messages.DurableStats) bool { return empty(s) && s.Retrying == 0 })
}

// The node that has the first delivery is frozen for longer than the lease. Meanwhile another
// node fails and writes the record.
func TestNoRecordStaysWhenAnOldDeliverySucceeds(t *testing.T) {
	store := open(t, t.TempDir(), jetstream.WithListen("127.0.0.1:0"))
	q := queue(t, store, jetstream.Lease(time.Second))
	server := raw(t, store)
	g := newGate()
	p := pool(t, func(_ context.Context, n int) (int, error) { // it does not notice that it has lost the lease
		g.begun <- n
		<-g.open
		return n, nil
	})
	f := attach(t, q, p)
	submit(t, q, 1)
	<-g.begun
	jetstream.Lapse(f)
	_, err := server.Publish(t.Context(), "troupe.numbers.attempts.1", []byte(`{"failures":1}`))
	require.NoError(t, err)
	close(g.open)
	eventually(t, q, func(s messages.DurableStats) bool { return empty(s) && s.Retrying == 0 })
}
