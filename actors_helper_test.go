package troupe_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// TestMain looks for goroutines before any test has run, which only an import
// could have started, and after all of them.
func TestMain(m *testing.M) {
	if err := goleak.Find(); err != nil {
		panic("an import starts goroutines: " + err.Error())
	}
	goleak.VerifyTestMain(m)
}

var errTask = errors.New("the task's own error")

// quiet is an actor system that logs nothing.
func quiet() *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		actor.WithDeadLetterThrottleInterval(deadLetterPeriod),
	)
}

// deadLetterPeriod is how long a goroutine of Proto.Actor's counts dead letters
// after the first one. By default it is a second, too long for goleak.
const deadLetterPeriod = time.Millisecond

// virtually runs a test in virtual time with an actor system of its own. A
// goroutine that it leaves behind is reported as a deadlock.
func virtually(t *testing.T, test func(t *testing.T, root *actor.RootContext)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(deadLetterPeriod) })
		test(t, quiet().Root)
	})
}

// open starts a pool. At the end of the test it is closed, must stop, and its
// books must balance.
func open[In, Out any](
	t *testing.T, parent actor.SpawnerContext, handler actors.Handler[In, Out], opts ...actors.Option,
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

// spawn starts an actor, or a pool from its props, and has it stopped at the end
// of the test.
func spawn(t *testing.T, parent actor.SpawnerContext, props *actor.Props) *actor.PID {
	t.Helper()
	pid := parent.Spawn(props)
	root := parent.ActorSystem().Root
	t.Cleanup(func() { assert.NoError(t, stopped(root.StopFuture(pid))) })
	return pid
}

// stopped waits for the end of an actor. That it has stopped before, which
// Proto.Actor says by a dead letter, is no error.
func stopped(f *actor.Future) error {
	if err := f.Wait(); !errors.Is(err, actor.ErrDeadLetter) {
		return err
	}
	return nil
}

// inbox is an actor that keeps what it is sent.
type inbox struct {
	root *actor.RootContext
	pid  *actor.PID
	mail chan any
}

func newInbox(t *testing.T, root *actor.RootContext) *inbox {
	t.Helper()
	in := &inbox{root: root, mail: make(chan any, 4096)}
	in.pid = spawn(t, root, actor.PropsFromFunc(func(ctx actor.Context) {
		switch msg := ctx.Message().(type) {
		case *actor.Started, *actor.Stopping, *actor.Stopped:
		case *actor.PID: // of an actor to watch
			ctx.Watch(msg)
		default:
			in.mail <- msg
		}
	}))
	return in
}

// request sends a message with the inbox as its sender.
func (in *inbox) request(to *actor.PID, message any) {
	in.root.RequestWithCustomSender(to, message, in.pid)
}

// ask sends a message and returns the next one that comes.
func (in *inbox) ask(to *actor.PID, message any) any {
	in.request(to, message)
	return <-in.mail
}

// result sends a message and returns the result that comes next.
func (in *inbox) result(t *testing.T, to *actor.PID, message any) *messages.Result {
	t.Helper()
	answer := in.ask(to, message)
	require.IsType(t, &messages.Result{}, answer)
	return answer.(*messages.Result)
}

// empty waits until every actor is at rest, and reports whether no mail is left.
// It is for virtual time.
func (in *inbox) empty() bool {
	synctest.Wait()
	return len(in.mail) == 0
}

// stats asks a pool for a snapshot.
func (in *inbox) stats(t *testing.T, pool *actor.PID) *messages.Stats {
	t.Helper()
	answer := in.ask(pool, &messages.GetStats{})
	require.IsType(t, &messages.Stats{}, answer)
	stats := answer.(*messages.Stats)
	assert.True(t, stats.Balanced(), "%+v", stats)
	return stats
}

// events returns the events of one type that are published from now on.
func events[E any](t *testing.T, system *actor.ActorSystem) <-chan E {
	t.Helper()
	ch := make(chan E, 4096)
	sub := system.EventStream.SubscribeWithPredicate(
		func(event any) { ch <- event.(E) },
		func(event any) bool { _, ok := event.(E); return ok },
	)
	t.Cleanup(func() { system.EventStream.Unsubscribe(sub) })
	return ch
}

// sleep is a handler that takes the given time, unless its context ends first.
func sleep(ctx context.Context, d time.Duration) (time.Duration, error) {
	if d <= 0 { // a timer channel that is due at once can crash Go 1.26's race detector in a bubble
		return d, nil
	}
	select {
	case <-time.After(d):
		return d, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// double is a handler that takes no time.
func double(_ context.Context, n int) (int, error) { return 2 * n, nil }

// gate is a handler whose tasks end when it is opened, or their context ends.
type gate struct {
	begun chan int // what a worker has begun
	open  chan struct{}
}

func newGate() *gate { return &gate{begun: make(chan int, 4096), open: make(chan struct{})} }

func (g *gate) handle(ctx context.Context, n int) (int, error) {
	g.begun <- n
	select {
	case <-g.open:
		return n, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// order is what has been begun so far.
func (g *gate) order() []int {
	var order []int
	for len(g.begun) > 0 {
		order = append(order, <-g.begun)
	}
	return order
}

// outcome is the outcome that an error stands for.
func outcome(err error) messages.Outcome {
	var panicked *messages.PanicError
	switch {
	case err == nil:
		return messages.Succeeded
	case errors.Is(err, messages.ErrTaskTimeout):
		return messages.TimedOut
	case errors.Is(err, messages.ErrCanceled):
		return messages.Canceled
	case errors.Is(err, messages.ErrDropped):
		return messages.Dropped
	case errors.As(err, &panicked):
		return messages.Panicked
	default:
		return messages.Failed
	}
}
