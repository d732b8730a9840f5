//go:build unix

package jetstream_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/jetstream"
)

// These are calls while the only server is away.

func TestABatchIsUnavailableAsAWholeAndEndsWithItsContext(t *testing.T) {
	t.Parallel()
	c := cluster(t, 1)
	q := queue(t, connect(t, c, jetstream.WithPatience(300*time.Millisecond)))
	require.NoError(t, c.Kill(0))
	for _, n := range []int{20, 1500} { // more than may be on their way
		begun := time.Now()
		receipts, err := q.SubmitBatch(t.Context(), make([]jetstream.Item[int], n)...)
		require.ErrorIs(t, err, jetstream.ErrUnavailable)
		assert.Less(t, time.Since(begun), patience, "%d tasks", n)
		for _, r := range receipts {
			require.ErrorIs(t, r.Err, jetstream.ErrUnavailable)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := q.SubmitBatch(ctx, make([]jetstream.Item[int], 1500)...)
	require.ErrorIs(t, err, context.Canceled)
}

func TestAStoreIsClosedInTheTimeOfOneFeeder(t *testing.T) {
	long(t)
	t.Parallel()
	c := cluster(t, 1)
	store := connect(t, c)
	g := newGate()
	for i := range 10 {
		q, err := jetstream.NewQueue[int](t.Context(), store, "numbers-"+strconv.Itoa(i))
		require.NoError(t, err)
		submit(t, q, 1)
		attach(t, q, pool(t, g.handle))
		<-g.begun
	}
	require.NoError(t, c.Kill(0))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	begun := time.Now()
	require.ErrorIs(t, store.Close(ctx), context.Canceled)
	assert.Less(t, time.Since(begun), 20*time.Second, "each may take more than 2 s")
}
