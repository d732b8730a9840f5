package jetstream_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/jetstream"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/troupetest"
)

// patience is for what must come, on a machine however slow.
const patience = 30 * time.Second

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// quietSystem is an actor system that logs nothing, and leaves no goroutine that counts
// dead letters for a second.
func quietSystem() *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return quiet() }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond),
	)
}

// open opens a store in a directory, until the end of the test.
func open(t *testing.T, directory string, opts ...jetstream.Option) *jetstream.Store {
	t.Helper()
	troupetest.TimeLimit(t)
	opts = append([]jetstream.Option{jetstream.WithDirectory(directory), jetstream.WithLogger(quiet())}, opts...)
	store, err := jetstream.Open(t.Context(), opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close(context.Background())) })
	return store
}

// queue makes a queue of ints.
func queue(t *testing.T, store *jetstream.Store, opts ...jetstream.QueueOption) *jetstream.Queue[int] {
	t.Helper()
	troupetest.TimeLimit(t)
	q, err := jetstream.NewQueue[int](t.Context(), store, "numbers", opts...)
	require.NoError(t, err)
	return q
}

// pool makes a pool, until the end of the test.
func pool[In, Out any](t *testing.T, handler actors.Handler[In, Out], opts ...actors.Option) *actors.Pool[In, Out] {
	t.Helper()
	system := quietSystem()
	p, err := actors.NewPool(system.Root, handler, append([]actors.Option{actors.WithSize(2)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() {
		p.Close()
		<-p.Done()
		stats := p.Stats()
		require.True(t, stats.Balanced(), "%+v", stats)
		system.Shutdown()
	})
	return p
}

// attach feeds the pool, until the end of the test.
func attach[In, Out any](t *testing.T, q *jetstream.Queue[In], p *actors.Pool[In, Out], opts ...jetstream.AttachOption) *jetstream.Feeder {
	t.Helper()
	f, err := jetstream.Attach(q, p, opts...)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = f.Stop(ctx)
	})
	return f
}

// gate is a handler that waits until it is opened.
type gate struct {
	begun chan int
	open  chan struct{}
}

func newGate() *gate { return &gate{begun: make(chan int, 1024), open: make(chan struct{})} }

func (g *gate) handle(ctx context.Context, n int) (int, error) {
	g.begun <- n
	select {
	case <-g.open:
		return n, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// submit submits tasks.
func submit(t *testing.T, q *jetstream.Queue[int], ns ...int) {
	t.Helper()
	for _, n := range ns {
		_, err := q.Submit(t.Context(), n)
		require.NoError(t, err)
	}
}

// inspect returns what is in the queue.
func inspect[In any](t *testing.T, q *jetstream.Queue[In]) messages.DurableStats {
	t.Helper()
	stats, err := q.Inspect(t.Context())
	require.NoError(t, err)
	return stats
}

// eventually waits until what is in the queue is as wanted. Servers may elect leaders
// meanwhile.
func eventually[In any](t *testing.T, q *jetstream.Queue[In], wanted func(messages.DurableStats) bool) {
	t.Helper()
	var last messages.DurableStats
	require.Eventually(t, func() bool {
		var err error
		last, err = q.Inspect(t.Context())
		if errors.Is(err, jetstream.ErrUnavailable) {
			return false
		}
		return assert.NoError(t, err) && wanted(last)
	}, patience, 10*time.Millisecond, "%+v", &last)
}

// empty says that all tasks are done and forgotten.
func empty(s messages.DurableStats) bool { return s.Ready+s.InHand+s.Delayed+s.Retrying == 0 }

// dead waits for that many dead letters, and returns them.
func dead[In any](t *testing.T, q *jetstream.Queue[In], n int) []messages.DeadLetter {
	t.Helper()
	eventually(t, q, func(s messages.DurableStats) bool { return empty(s) && s.Dead == int64(n) })
	letters, err := q.DeadLetters(t.Context(), 0, n+1)
	require.NoError(t, err)
	require.Len(t, letters, n)
	return letters
}

// soon is a retry policy that does not keep a test waiting.
func soon(attempts int) jetstream.AttachOption {
	return jetstream.WithRetry(actors.Retry{Attempts: attempts, Panics: true})
}

// noRetry makes a dead letter of what fails.
var noRetry actors.Retry

// readTable reads a table of the kernel's: the fields of each line after the first.
func readTable(t *testing.T, path string) [][]string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var lines [][]string
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n")[1:] {
		lines = append(lines, strings.Fields(line))
	}
	return lines
}
