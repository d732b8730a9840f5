package pooltest

import (
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/messages"
)

// Result sends a pool a message as an actor does and returns the result.
func Result(t *testing.T, system *actor.ActorSystem, pool *actor.PID, message any) *messages.Result {
	t.Helper()
	return request[*messages.Result](t, system, pool, message)
}

// Stats asks a pool for a snapshot, which must be balanced.
func Stats(t *testing.T, system *actor.ActorSystem, pool *actor.PID) *messages.Stats {
	t.Helper()
	stats := request[*messages.Stats](t, system, pool, &messages.GetStats{})
	require.True(t, stats.Balanced(), "%+v", stats)
	return stats
}

// request sends a message and waits at most a minute for an answer of type A.
func request[A any](t *testing.T, system *actor.ActorSystem, to *actor.PID, message any) A {
	t.Helper()
	answer, err := system.Root.RequestFuture(to, message, time.Minute).Result()
	require.NoError(t, err)
	var want A
	require.IsType(t, want, answer)
	return answer.(A)
}
