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

// A node whose lease was over before it knew settles tasks that another node has settled.
func TestNoRecordStaysOfATaskThatAnotherNodeHasSettled(t *testing.T) {
	for name, end := range map[string]error{"retried": errors.New("no"), "given back": messages.RetryAfter(0)} {
		t.Run(name, func(t *testing.T) {
			store := open(t, t.TempDir(), jetstream.WithListen("127.0.0.1:0"))
			q := queue(t, store)
			begun, settled := make(chan struct{}), make(chan struct{})
			f := attach(t, q, pool(t, func(context.Context, int) (int, error) {
				close(begun)
				<-settled
				return 0, end
			}), jetstream.WithRetry(actors.Retry{Attempts: 2, Min: time.Hour, Max: time.Hour}))
			submit(t, q, 1)
			<-begun
			tasks, err := raw(t, store).Stream(t.Context(), "troupe_tasks_numbers")
			require.NoError(t, err)
			require.NoError(t, tasks.DeleteMsg(t.Context(), 1)) // as the other node's end of the task does
			close(settled)
			require.Eventually(t, func() bool { return f.Stats().Retried == 1 && f.Stats().Held == 0 }, patience, time.Millisecond)
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
