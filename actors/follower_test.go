package actors_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

// follower notes what it is told.
type follower struct {
	mu       sync.Mutex
	accepted []journal.Acceptance       // guarded by mu
	settled  map[int64]messages.Outcome // guarded by mu
}

func (f *follower) Accepted(a journal.Acceptance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.accepted = append(f.accepted, a)
}

func (f *follower) Ended(e journal.Entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settled[e.Seq] = e.Outcome
}

// The overflow policies accept tasks in ways of their own.
func TestAFollowerIsToldOfTasksThatFindNoRoom(t *testing.T) {
	for _, c := range []struct {
		overflow actors.Overflow
		dropped  int // which of the three tasks; -1: none
	}{
		{actors.DropOldest, 1}, {actors.DropNewest, 2}, {actors.CallerRuns, -1},
	} {
		t.Run(c.overflow.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1), actors.WithQueue(1, c.overflow))
				f := &follower{settled: make(map[int64]messages.Outcome)}
				pooltest.AttachJournal(root, journal.Options{Follower: f})
				for n := range 3 {
					require.NoError(t, pool.Tell(t.Context(), time.Duration(n+1)*time.Second, actors.ID("id"), actors.Key("key"), actors.Priority(7)))
					synctest.Wait()
				}
				require.NoError(t, pool.Wait(t.Context()))
				synctest.Wait()
				f.mu.Lock()
				defer f.mu.Unlock()
				require.Len(t, f.accepted, 3)
				for n, a := range f.accepted {
					assert.Equal(t, journal.Acceptance{
						ID: "id", Seq: a.Seq, Key: "key", Priority: 7, Payload: time.Duration(n+1) * time.Second, At: a.At,
					}, a)
					want := messages.Succeeded
					if n == c.dropped {
						want = messages.Dropped
					}
					assert.Equal(t, want, f.settled[a.Seq], n)
				}
			})
		})
	}
}
