package pooltest

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/directory"
	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/router"
)

// Open starts a typed pool. At the end of the test the pool is closed. It must stop,
// its ledger must balance, and every task must be settled.
func Open[In, Out any](
	t testing.TB, parent actor.SpawnerContext, handler actors.Handler[In, Out], opts ...actors.Option,
) *actors.Pool[In, Out] {
	t.Helper()
	pool, err := actors.NewPool(parent, handler, opts...)
	require.NoError(t, err)
	t.Cleanup(func() {
		pool.Close()
		<-pool.Done()
		stats := pool.Stats()
		assert.True(t, stats.Balanced(), "%+v", stats)
		assert.Zero(t, stats.Queued+stats.Running, "settled at the end: %+v", stats)
	})
	return pool
}

// Dispatches returns one of each kind.
func Dispatches() []router.Dispatch {
	return []router.Dispatch{
		router.LeastBusy(), router.RoundRobin(), router.Random(), router.ConsistentHash(),
		router.Custom(func(router.TaskView, router.Workers) int { return 0 }),
	}
}

// AttachJournal makes the pool that was spawned last record its tasks in a journal.
func AttachJournal(root *actor.RootContext, options journal.Options) *journal.Journal {
	pools := directory.Pools(root.ActorSystem())
	if options.Payload != nil {
		options.Payload = journal.Guarded(options.Payload)
	}
	j := journal.New(options)
	pools[len(pools)-1].Attach(j)
	return j
}
