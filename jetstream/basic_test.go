package jetstream_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/jetstream"
)

func TestATaskGoesThroughTheStoreAndItsResultComesBack(t *testing.T) {
	q := queue(t, open(t, t.TempDir()), jetstream.Results(time.Minute))
	receipt, err := q.Submit(t.Context(), 21)
	require.NoError(t, err)

	f := attach(t, q, pool(t, func(_ context.Context, n int) (int, error) { return 2 * n, nil }))
	out, err := jetstream.Await[int](t.Context(), q, receipt.ID)
	require.NoError(t, err)
	assert.Equal(t, 42, out)

	node, err := f.Stop(t.Context())
	require.NoError(t, err)
	assert.Equal(t, int64(1), node.Acked)
	stats, err := q.Inspect(t.Context())
	require.NoError(t, err)
	assert.Zero(t, stats.Ready+stats.InHand)
}
