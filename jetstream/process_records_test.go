//go:build unix

package jetstream_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/messages"
)

// A record that is deleted stays so when the server has been killed.
func TestNoTaskSeemsToBeTriedAgainWhenItsServerHasBeenKilled(t *testing.T) {
	c := cluster(t, 1)
	q := queue(t, connect(t, c))
	var tries atomic.Int64
	attach(t, q, pool(t, func(_ context.Context, n int) (int, error) {
		switch {
		case n == 0:
			return 0, messages.RetryAfter(time.Hour)
		case tries.Add(1) <= 100:
			return 0, errors.New("no")
		}
		return n, nil
	}), soon(1000))
	submit(t, q, numbers(20)...)
	eventually(t, q, func(s messages.DurableStats) bool { return s.Ready == 0 && s.InHand == 1 && s.Retrying == 1 })
	require.NoError(t, c.Kill(0))
	require.NoError(t, c.Restart(t.Context(), 0))
	assert.Equal(t, int64(1), inspect(t, q).Retrying)
}
