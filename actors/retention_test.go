package actors_test

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// The matrix of retention tests: every way to submit a task, every way a task can
// end, both bindings, and both kinds of pools. In each cell a few tasks end in an
// idle pool that stays open, and nothing of them may stay alive.

// A burden is what a settled task must not keep alive: as its payload, its answer,
// its error, the value of its panic, or a value in its caller's context.
type burden struct {
	blocks bool // this one is no subject of the test: it keeps a worker busy
	bytes  []byte
}

func newBurden() *burden { return &burden{bytes: make([]byte, 1<<20)} }

// Error makes a burden an error, so that a failure carries one.
func (*burden) Error() string { return "a burden" }

// A watch holds weak pointers, so it keeps nothing alive.
type watch struct {
	mu    sync.Mutex
	alive []func() string // guarded by mu; each names its object while that is alive
}

// add watches an object and returns it.
func add[T any](w *watch, name string, object *T) *T {
	pointer := weak.Make(object)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.alive = append(w.alive, func() string {
		if pointer.Value() == nil {
			return ""
		}
		return name
	})
	return object
}

// left names what is still alive after a few collections, which run cleanups and
// empty pools of recycled objects in steps.
func (w *watch) left() map[string]int {
	var left map[string]int
	for range 5 {
		synctest.Wait()
		runtime.GC()
		left = map[string]int{}
		w.mu.Lock()
		for _, alive := range w.alive {
			if name := alive(); name != "" {
				left[name]++
			}
		}
		w.mu.Unlock()
		if len(left) == 0 {
			break
		}
	}
	return left
}

// An ending is one way a task can end.
type ending struct {
	name    string
	outcome messages.Outcome
	queued  bool // it ends while it waits behind busy workers
	handler func(ctx context.Context, w *watch) (*burden, error)
	actor   func(ctx actor.Context, w *watch, open <-chan struct{}) // nil: no such end with user actors
	options []actors.Option
	needs   need
}

// need is what a way to submit must offer for an ending.
type need int

const (
	nothing  need = iota
	cancel        // a context, or a future, that cancels the task
	withdraw      // a future that withdraws it
)

const (
	retentionSize    = 3 // workers, and tasks in each cell
	retentionTimeout = time.Minute
)

func endings() []ending {
	answer := func(w *watch) *burden { return add(w, "answer", newBurden()) }
	succeed := func(_ context.Context, w *watch) (*burden, error) { return answer(w), nil }
	respond := func(ctx actor.Context, w *watch, _ <-chan struct{}) {
		if ctx.Sender() != nil {
			ctx.Respond(answer(w))
		}
	}
	untilCanceled := func(ctx context.Context, w *watch) (*burden, error) {
		<-ctx.Done()
		return answer(w), context.Cause(ctx)
	}
	timeout := actors.WithTaskTimeout(retentionTimeout)
	return []ending{
		{name: "succeeded", outcome: messages.Succeeded, handler: succeed, actor: respond},
		// Its deadline comes long after it has ended.
		{name: "succeeded in time", outcome: messages.Succeeded, handler: succeed, actor: respond, options: []actors.Option{timeout}},
		{name: "failed", outcome: messages.Failed, handler: func(_ context.Context, w *watch) (*burden, error) {
			return nil, answer(w)
		}},
		{name: "panicked", outcome: messages.Panicked, handler: func(_ context.Context, w *watch) (*burden, error) {
			panic(answer(w))
		}, actor: func(_ actor.Context, w *watch, _ <-chan struct{}) { panic(answer(w)) }},
		{name: "Goexit", outcome: messages.Panicked, handler: func(context.Context, *watch) (*burden, error) {
			runtime.Goexit()
			return nil, nil
		}, actor: func(actor.Context, *watch, <-chan struct{}) { runtime.Goexit() }},
		{
			name: "timed out queued", outcome: messages.TimedOut, queued: true, handler: succeed, actor: respond,
			options: []actors.Option{timeout},
		},
		{
			name: "timed out running", outcome: messages.TimedOut, handler: untilCanceled,
			actor:   func(_ actor.Context, _ *watch, open <-chan struct{}) { <-open },
			options: []actors.Option{timeout},
		},
		{name: "canceled queued", outcome: messages.Canceled, queued: true, handler: succeed, needs: cancel},
		{name: "canceled running", outcome: messages.Canceled, handler: untilCanceled, needs: cancel},
		{
			name: "dropped", outcome: messages.Dropped, queued: true, handler: succeed, actor: respond,
			options: []actors.Option{actors.WithQueue(retentionSize, router.DropOldest)},
		},
		{name: "retried", outcome: messages.Succeeded, handler: func(ctx context.Context, w *watch) (*burden, error) {
			if actors.Attempt(ctx) == 1 {
				return nil, add(w, "error of the first attempt", newBurden())
			}
			return answer(w), nil
		}, options: []actors.Option{
			actors.WithRetry(router.Retry{Attempts: 2, Min: time.Second, Max: time.Second, On: router.AnyError}),
		}},
		{name: "retried after a panic", outcome: messages.Succeeded, handler: func(ctx context.Context, w *watch) (*burden, error) {
			if actors.Attempt(ctx) == 1 {
				panic(add(w, "panic of the first attempt", newBurden()))
			}
			return answer(w), nil
		}, options: []actors.Option{
			actors.WithRetry(router.Retry{Attempts: 2, Min: time.Second, Max: time.Second, Panics: true}),
		}},
		{name: "withdrawn", outcome: messages.Canceled, queued: true, handler: succeed, needs: withdraw},
	}
}

// A retentionCell is one cell of the matrix while it runs.
type retentionCell struct {
	t      *testing.T
	watch  *watch
	system *actor.ActorSystem
	pool   *actors.Pool[*burden, *burden] // nil: a pool of user actors
	pid    *actor.PID
	sender *actor.PID // an actor that keeps nothing
	// cancelers and futures live until the end of the cell, as those of a
	// long-lived caller do.
	cancelers []context.CancelFunc
	kept      []*actors.Future[*burden]
	callers   sync.WaitGroup
}

// context returns a context with a watched value, which lives as long as the cell
// unless that is canceled.
func (c *retentionCell) context() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	c.cancelers = append(c.cancelers, cancel)
	return context.WithValue(ctx, contextKey{}, add(c.watch, "value of the context", newBurden()))
}

func (c *retentionCell) payload() *burden { return add(c.watch, "payload", newBurden()) }

// from is a fresh copy of the sender's PID.
func (c *retentionCell) from() *actor.PID {
	return add(c.watch, "sender", &actor.PID{Address: c.sender.Address, Id: c.sender.Id})
}

// A way is one way to submit a cell's tasks.
type way struct {
	name   string
	offers need
	actors bool // it works with a pool of user actors as well
	submit func(c *retentionCell, end *ending)
}

func each(submit func(c *retentionCell)) func(*retentionCell, *ending) {
	return func(c *retentionCell, _ *ending) {
		for range retentionSize {
			submit(c)
			synctest.Wait()
		}
	}
}

// finish ends a future as its ending asks for.
func finish(c *retentionCell, end *ending, futures []*actors.Future[*burden]) {
	for _, f := range futures {
		switch end.needs {
		case cancel:
			f.Cancel()
		case withdraw:
			assert.True(c.t, f.Withdraw())
		}
	}
}

func submitAll(c *retentionCell) (futures []*actors.Future[*burden]) {
	for range retentionSize {
		f, err := c.pool.Submit(c.context(), c.payload())
		require.NoError(c.t, err)
		futures = append(futures, f)
		synctest.Wait()
	}
	return futures
}

func ways() []way {
	return []way{
		{"Tell", nothing, false, each(func(c *retentionCell) {
			require.NoError(c.t, c.pool.Tell(c.context(), c.payload()))
		})},
		{"Ask", cancel, false, func(c *retentionCell, end *ending) {
			each(func(c *retentionCell) {
				ctx, in := c.context(), c.payload()
				c.callers.Go(func() { _, _ = c.pool.Ask(ctx, in) })
			})(c, end)
			if end.needs == cancel {
				c.cancel()
			}
		}},
		{"Submit, future dropped", withdraw, false, func(c *retentionCell, end *ending) {
			finish(c, end, submitAll(c))
		}},
		{"Submit, future kept", withdraw, false, func(c *retentionCell, end *ending) {
			c.kept = submitAll(c)
			finish(c, end, c.kept)
		}},
		{"Map", cancel, false, func(c *retentionCell, end *ending) {
			ctx := c.context()
			c.callers.Go(func() {
				yielded := 0 // the answers are not kept
				for _, err := range c.pool.Map(ctx, c.payloads()) {
					_ = err // it depends on the cell
					yielded++
				}
				assert.NotZero(c.t, yielded)
			})
			synctest.Wait()
			if end.needs == cancel {
				c.cancel()
			}
		}},
		{"message", nothing, true, each(func(c *retentionCell) { c.system.Root.Send(c.pid, c.payload()) })},
		{"request", nothing, true, each(func(c *retentionCell) {
			c.system.Root.RequestWithCustomSender(c.pid, c.payload(), c.from())
		})},
		{"Task", nothing, true, each(func(c *retentionCell) {
			task := add(c.watch, "task", &messages.Task{
				ID: "a task", Payload: c.payload(), Key: "a key", Priority: 1, Headers: map[string]string{"a": "b"},
			})
			c.system.Root.RequestWithCustomSender(c.pid, task, c.from())
		})},
		{"Broadcast", nothing, true, func(c *retentionCell, _ *ending) {
			c.system.Root.RequestWithCustomSender(c.pid, &messages.Broadcast{Message: c.payload()}, c.from())
			synctest.Wait()
		}},
	}
}

// payloads yields the payloads of a Map.
func (c *retentionCell) payloads() iter.Seq[*burden] {
	return func(yield func(*burden) bool) {
		for range retentionSize {
			if !yield(c.payload()) {
				return
			}
		}
	}
}

func (c *retentionCell) cancel() {
	for _, cancel := range c.cancelers {
		cancel()
	}
}

func TestASettledTaskKeepsNothingAlive(t *testing.T) {
	kinds := []struct {
		name string
		user bool
	}{{"handler", false}, {"actors", true}}
	for _, kind := range kinds {
		for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
			for _, way := range ways() {
				for _, end := range endings() {
					if end.needs > way.offers || kind.user && (end.actor == nil || !way.actors) {
						continue
					}
					t.Run(fmt.Sprintf("%s/%v/%s/%s", kind.name, dispatch, way.name, end.name), func(t *testing.T) {
						pooltest.Bubble(t, func(t *testing.T) { retention(t, kind.user, dispatch, &way, &end) })
					})
				}
			}
		}
	}
}

func retention(t *testing.T, user bool, dispatch router.Dispatch, way *way, end *ending) {
	c := &retentionCell{t: t, watch: new(watch), system: pooltest.System()}
	c.sender = c.system.Root.Spawn(actor.PropsFromFunc(func(actor.Context) {}))
	free, open := make(chan struct{}), make(chan struct{}) // the workers that are kept busy, and the others
	options := append(slices.Clone(end.options), actors.WithSize(retentionSize), actors.WithDispatch(dispatch))
	if user {
		watch, run := c.watch, end.actor
		c.pid = c.system.Root.Spawn(actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				switch message := ctx.Message().(type) {
				case *burden:
					if message.blocks {
						<-free
						return
					}
					run(ctx, watch, open)
				case *messages.Task:
					run(ctx, watch, open)
				}
			})
		}, options...))
	} else {
		watch, run := c.watch, end.handler
		pool, err := actors.NewPool(c.system.Root, func(ctx context.Context, in *burden) (*burden, error) {
			if in.blocks {
				<-free
				return nil, nil
			}
			return run(ctx, watch)
		}, options...)
		require.NoError(t, err)
		c.pool, c.pid = pool, pool.PID()
	}
	opened := sync.OnceFunc(func() { close(free); close(open) })
	defer func() {
		opened()
		c.cancel()
		_ = c.system.Root.StopFuture(c.pid).Wait()
		_ = c.system.Root.StopFuture(c.sender).Wait()
		c.callers.Wait()
	}()

	block := func() { // each keeps a worker busy, or fills the queue
		for range retentionSize {
			c.system.Root.Send(c.pid, &burden{blocks: true})
			synctest.Wait()
		}
	}
	if end.queued {
		block()
		if end.outcome == messages.TimedOut {
			time.Sleep(retentionTimeout / 2) // the blocking tasks are settled first
		}
	}
	way.submit(c, end)
	want := int64(retentionSize)
	switch {
	case end.outcome != messages.Dropped:
	case way.name == "Broadcast": // its tasks are for their workers, and two of them leave
		want = retentionSize - 1
		c.system.Root.Send(c.pid, &messages.Resize{Size: 1})
		synctest.Wait()
	default:
		block() // drops what is queued
	}
	time.Sleep(2 * retentionTimeout)
	if end.name == "succeeded in time" {
		assert.Zero(t, pooltest.Stats(t, c.system, c.pid).TimedOut)
	}
	opened()
	synctest.Wait()

	stats := pooltest.Stats(t, c.system, c.pid)
	require.Zero(t, stats.Queued+stats.Running, "the pool is idle: %+v", stats)
	if end.queued && end.outcome == messages.TimedOut {
		want += retentionSize // the tasks that kept the workers busy timed out as well
	}
	assert.Equal(t, want, countOf(stats, end.outcome), "%+v", stats)
	if left := c.watch.left(); len(left) > 0 {
		if c.kept != nil { // a future keeps its answer, and nothing else
			delete(left, "answer")
		}
		assert.Empty(t, left, "alive in an idle pool")
	}
	runtime.KeepAlive(c.kept)
	runtime.KeepAlive(c.cancelers)
}

// countOf is how many tasks have had an outcome.
func countOf(stats *messages.Stats, outcome messages.Outcome) int64 {
	return map[messages.Outcome]int64{
		messages.Succeeded: stats.Succeeded, messages.Failed: stats.Failed, messages.Panicked: stats.Panicked,
		messages.TimedOut: stats.TimedOut, messages.Canceled: stats.Canceled, messages.Dropped: stats.Dropped,
	}[outcome]
}
