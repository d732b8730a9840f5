package troupetest

import (
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// A stage is where a test spawns a pool.
type stage struct {
	t      testing.TB
	parent actor.SpawnerContext
	own    *actor.ActorSystem // nil: the test has given a parent
	calls  *calls
}

// newStage prepares a test for a pool. With a nil parent, the pool has an actor system of its
// own.
func newStage(t testing.TB, parent actor.SpawnerContext) *stage {
	t.Helper()
	VerifyNoLeaks(t)
	scope, _ := scopes.of(t)
	s := &stage{t: t, parent: parent, calls: newCalls(scope.label)}
	if parent == nil {
		s.own = ownSystem(t)
		s.parent = s.own.Root
	}
	return s
}

// spawned ends the test if its pool was not spawned because of err.
func (s *stage) spawned(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("troupetest: the pool cannot start: %v", err)
	}
}

// follow records the tasks of the pool with a PID. At the end of the test, it stops the pool
// and checks it, and also the given states of its workers.
func (s *stage) follow(pid *actor.PID, states *states) *record {
	t := s.t
	t.Helper()
	f := follow(t, s.parent.ActorSystem(), s.calls, pidOf(pid))
	f.states = states
	t.Cleanup(func() {
		t.Helper()
		f.finish(t)
		if s.own != nil {
			s.own.Shutdown()
		}
	})
	return f.record
}

// ownSystem returns an actor system that writes its warnings to the output of the test.
func ownSystem(t testing.TB) *actor.ActorSystem {
	out := &output{t: t}
	t.Cleanup(out.close)
	logger := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return logger }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond), // a goroutine lives as long as that
	)
}

// An output writes to the output of a test until the test has ended.
type output struct {
	t testing.TB

	mu     sync.Mutex
	closed bool // guarded by mu
}

// Write implements io.Writer. What is written too late is discarded.
func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return len(text), nil
	}
	return o.t.Output().Write(text)
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
}
