package actors_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
)

// A theater is where an actor of the user's plays: alone, or as the only worker of a pool.
// It takes down what the actor sees.
type theater struct {
	t    *testing.T
	root *actor.RootContext
	pid  *actor.PID // of the actor, or of the pool
	in   *pooltest.Inbox

	mu    sync.Mutex
	lines []string // guarded by mu
}

// note takes down a line.
func (th *theater) note(format string, args ...any) {
	th.mu.Lock()
	defer th.mu.Unlock()
	th.lines = append(th.lines, fmt.Sprintf(format, args...))
}

// noted reports whether there is a line.
func (th *theater) noted() bool {
	th.mu.Lock()
	defer th.mu.Unlock()
	return len(th.lines) > 0
}

// tell sends messages one after the other, each when nothing is left to do.
func (th *theater) tell(all ...any) {
	for _, message := range all {
		th.root.Send(th.pid, message)
		synctest.Wait()
	}
}

// ask sends requests likewise, and takes down the answers.
func (th *theater) ask(all ...any) {
	for _, message := range all {
		th.in.Request(th.pid, message)
		synctest.Wait()
		for _, answer := range pooltest.Drain(th.in.Mail) {
			th.note("answer: %v", answer)
		}
	}
}

// A part is what an actor does in a theater.
type part func(th *theater) actor.Actor

// sameAsAPlainActor plays a scene with a plain actor and with a pool of one worker, and
// returns what has been taken down, which must be the same.
func sameAsAPlainActor(t *testing.T, p part, scene func(th *theater), opts ...actor.PropsOption) []string {
	t.Helper()
	plain := perform(t, p, scene, func(producer actor.Producer) *actor.Props {
		return actor.PropsFromProducer(producer, opts...)
	})
	worker := perform(t, p, scene, func(producer actor.Producer) *actor.Props {
		return actors.PropsFromProducer(producer, actors.WithSize(1), actors.WithWorkerProps(opts...))
	})
	assert.Equal(t, plain, worker, "a plain actor and a worker")
	return plain
}

func perform(t *testing.T, p part, scene func(th *theater), props func(actor.Producer) *actor.Props) (lines []string) {
	t.Helper()
	pooltest.Bubble(t, func(t *testing.T) {
		th := &theater{t: t, root: pooltest.System().Root}
		th.in = pooltest.NewInbox(t, th.root)
		th.pid = th.root.Spawn(props(func() actor.Actor { return p(th) }))
		t.Cleanup(func() {
			th.root.Stop(th.pid)
			synctest.Wait()
		})
		synctest.Wait()
		scene(th)
		synctest.Wait()
		th.mu.Lock()
		defer th.mu.Unlock()
		lines = slices.Clone(th.lines)
	})
	return lines
}
