//go:build unix

package jetstream_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/jetstream"
)

func TestWhatAProcessStoredInADirectoryIsThereWhenItHasBeenKilledAndNothingHoldsUpTheNext(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	f := newFamily(t)
	next := 0
	for round := range kills() {
		m := f.spawn(submitterRole, child{Directory: directory, Submit: []int{next, next + *soak}})
		if round%2 == 0 { // at any moment from its very beginning
			time.Sleep(time.Duration(rand.Int64N(int64(500 * time.Millisecond))))
		} else { // amid its work
			wanted := rand.IntN(*soak / kills())
			until(t, func() bool {
				select {
				case <-m.Done():
					return true // which is found out below
				default:
					return len(f.journal(m)) >= wanted
				}
			}, "tasks are stored")
		}
		require.NoError(t, m.Kill())
		require.ErrorContains(t, m.Err(), "killed", "not ended by itself")
		next += *soak
	}

	q := queue(t, open(t, directory))
	var mu sync.Mutex
	there := make(map[int]int)
	attach(t, q, pool(t, func(_ context.Context, n int) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		there[n]++
		return n, nil
	}))
	drained(t, q)
	mu.Lock()
	defer mu.Unlock()
	said := f.entries(stored)
	for _, e := range said {
		assert.Equal(t, 1, there[e.Task], "task %d, that %s stored", e.Task, e.by)
	}
	assert.LessOrEqual(t, len(there)-len(said), kills(), "those are more by the one that each was at")
	t.Logf("%d processes killed, %d tasks stored and said so, %d there", kills(), len(said), len(there))
}

func TestAStoreWhoseMakerWasKilledOverItCanBeOpened(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	for range 2 * kills() {
		directory := filepath.Join(t.TempDir(), "store")
		m := f.spawn(submitterRole, child{Directory: directory, Submit: []int{0, 1}})
		until(t, func() bool {
			_, err := os.Stat(directory)
			return err == nil
		}, "it begins")
		time.Sleep(time.Duration(rand.Int64N(int64(50 * time.Millisecond)))) // at any moment of it
		require.NoError(t, m.Kill())
		require.ErrorContains(t, m.Err(), "killed", "not ended by itself")

		store, err := jetstream.Open(t.Context(), jetstream.WithDirectory(directory), jetstream.WithLogger(quiet()))
		require.NoError(t, err)
		_, err = queue(t, store).Submit(t.Context(), 1)
		require.NoError(t, err)
		require.NoError(t, store.Close(t.Context()))
	}
}
