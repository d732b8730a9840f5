package actors_test

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/directory"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

func labelsOf(root *actor.RootContext) []string {
	labels := []string{}
	for _, e := range directory.Pools(root.ActorSystem()) {
		labels = append(labels, e.Label)
	}
	return labels
}

func TestTheDirectoryListsThePoolsThatHaveNotStopped(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		a := pooltest.Open(t, root, pooltest.Double, actors.WithName("a"))
		b := pooltest.Open(t, root, pooltest.Double, actors.WithName("b"), quarantine(1, 0))
		entries := directory.Pools(root.ActorSystem())
		assert.Equal(t, []string{"a", "b"}, labelsOf(root))
		assert.Equal(t, b.PID(), entries[1].PID())
		assert.False(t, entries[0].Quarantines())
		assert.True(t, entries[1].Quarantines())
		_, err := a.Ask(t.Context(), 1)
		require.NoError(t, err)
		wait, run := entries[0].Histograms()
		assert.EqualValues(t, 1, wait.Count)
		assert.EqualValues(t, 1, run.Count)

		a.Close()
		<-a.Done()
		assert.Equal(t, []string{"b"}, labelsOf(root))
		b.Close()
		<-b.Done()
		_, there := root.ActorSystem().ProcessRegistry.GetLocal("troupe/directory")
		assert.False(t, there, "nothing is left in the system")
	})
}

func TestAPoolThatCannotBeSpawnedIsNotListed(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		_, err := actors.NewPool(root, pooltest.Double, actors.WithWorkerProps(actor.WithSpawnFunc(
			func(*actor.ActorSystem, string, *actor.Props, actor.SpawnerContext) (*actor.PID, error) {
				return nil, pooltest.ErrTask
			})))
		assert.ErrorIs(t, err, pooltest.ErrTask)
		assert.Empty(t, labelsOf(root))

		pooltest.Open(t, root, pooltest.Double, actors.WithName("first"))
		before := labelsOf(root)
		_, err = actors.NewPool(root, pooltest.Double, actors.WithName("first"))
		assert.ErrorIs(t, err, actor.ErrNameExists)
		assert.ErrorIs(t, err, messages.ErrInvalidOption)
		assert.Equal(t, before, labelsOf(root))
	})
}
