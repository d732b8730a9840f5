package engine

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/timelimit"
)

func newReplies() *replies { return &replies{model: actor.NewPID("here", "pool/replies")} }

func TestWaitingTasksNeverShareARequestID(t *testing.T) {
	timelimit.Set(t)
	r := newReplies()
	r.last = math.MaxUint32 - 500 // the IDs soon begin again
	var waiting []*forwarding
	byID := make(map[uint32]*forwarding)
	for range 20_000 {
		if len(waiting) > 0 && rand.IntN(100) < 45 {
			i := rand.IntN(len(waiting))
			f := waiting[i]
			require.Same(t, f, r.take(f.address.RequestId))
			require.Nil(t, r.take(f.address.RequestId), "it has been taken")
			delete(byID, f.address.RequestId)
			waiting[i] = waiting[len(waiting)-1]
			waiting = waiting[:len(waiting)-1]
			continue
		}
		f := new(forwarding)
		r.add(f)
		require.NotContains(t, byID, f.address.RequestId)
		byID[f.address.RequestId] = f
		waiting = append(waiting, f)
	}
	assert.Equal(t, len(waiting), r.count)
	for _, f := range waiting {
		require.Same(t, f, r.find(f.address.RequestId))
		r.remove(f)
	}
	assert.Zero(t, r.count)
}

// One task waits while all the IDs are given out once.
func TestARequestIDThatIsInUseIsPassedOver(t *testing.T) {
	timelimit.Set(t)
	r := newReplies()
	first := new(forwarding)
	r.add(first)
	r.last = first.address.RequestId - 1 // 4 billion tasks later
	second := new(forwarding)
	r.add(second)
	assert.NotEqual(t, first.address.RequestId, second.address.RequestId)
	assert.Same(t, first, r.take(first.address.RequestId))
	assert.Same(t, second, r.take(second.address.RequestId))
}

func TestRepliesGiveBackTheMemoryOfABurst(t *testing.T) {
	timelimit.Set(t)
	r := newReplies()
	var waiting []*forwarding
	for range 10_000 {
		f := new(forwarding)
		r.add(f)
		waiting = append(waiting, f)
	}
	for _, f := range waiting {
		r.remove(f)
		r.remove(f) // does nothing
	}
	assert.Empty(t, r.slots)
	assert.Nil(t, r.take(waiting[0].address.RequestId))
	r.add(waiting[0])
	assert.Same(t, waiting[0], r.find(waiting[0].address.RequestId))
}

// Unless the process is cached, each answer looks it up in the registry.
func TestAddressesHaveTheProcessCached(t *testing.T) {
	timelimit.Set(t)
	system := actor.NewActorSystem()
	e := New(Config{System: system, Self: system.NewLocalPID("pool"), Name: "pool"})
	t.Cleanup(e.sched.close)
	e.openReplies()
	f := new(forwarding)
	f.worker, f.state = newWorkerMailbox(e), over
	f.worker.foreign = actor.NewPID("elsewhere", "routee")
	e.replies.add(f)
	assert.Equal(t, "pool/replies", f.address.Id)
	e.closeReplies()
	_, exists := system.ProcessRegistry.GetLocal("pool/replies")
	assert.False(t, exists)
	system.Root.Send(&f.address, &actor.DeadLetterResponse{})
	assert.Nil(t, e.replies.find(f.address.RequestId), "the process has got the message")
}
