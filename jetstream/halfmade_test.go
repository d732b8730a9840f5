package jetstream_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/jetstream"
)

// leave makes a store with a queue that holds so many tasks, as a process leaves it
// that is killed, and takes a file of a stream away.
func leave(t *testing.T, directory string, tasks int, stream, file string) {
	t.Helper()
	store, err := jetstream.Open(t.Context(), jetstream.WithDirectory(directory), jetstream.WithLogger(quiet()))
	require.NoError(t, err)
	q := queue(t, store, jetstream.Results(time.Minute))
	for n := range tasks {
		_, err := q.Submit(t.Context(), n)
		require.NoError(t, err)
	}
	require.NoError(t, store.Close(context.Background()))
	require.NoError(t, os.Remove(filepath.Join(directory, "manifest.json")))
	require.NoError(t, os.Remove(filepath.Join(directory, "jetstream", "$G", "streams", stream, file)))
}

func TestAStreamThatWasOnlyHalfMadeIsMadeAgain(t *testing.T) {
	for _, file := range []string{"meta.inf", "meta.sum"} {
		for _, stream := range []string{"troupe_dead_numbers", "KV_troupe_results_numbers", "troupe_tasks_numbers"} {
			directory := t.TempDir()
			leave(t, directory, 0, stream, file)
			q := queue(t, open(t, directory), jetstream.Results(time.Minute))
			_, err := q.Submit(t.Context(), 1)
			require.NoError(t, err, "%s of %s", file, stream)
		}
	}
}

func TestAStreamWithTasksThatCannotBeReadIsCorrupt(t *testing.T) {
	for _, name := range []string{"plain", "[a-z]", "a*"} {
		directory := filepath.Join(t.TempDir(), name)
		leave(t, directory, 1, "troupe_tasks_numbers", "meta.sum")
		_, err := jetstream.Open(t.Context(), jetstream.WithDirectory(directory), jetstream.WithLogger(quiet()))
		require.ErrorIs(t, err, jetstream.ErrStoreCorrupt, name)
	}
}
