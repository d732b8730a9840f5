package actors_test

import (
	"context"
	"iter"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"weak"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// A burden is a large value. A settled task must not keep it alive as its payload, its
// answer, its error, the value of its panic, or a value in its caller's context.
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

func submitAll(c *retentionCell, opts ...actors.TaskOption) (futures []*actors.Future[*burden]) {
	for range retentionSize {
		f, err := c.pool.Submit(c.context(), c.payload(), opts...)
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
		{"Tell with its context", cancel, false, func(c *retentionCell, end *ending) {
			each(func(c *retentionCell) {
				require.NoError(c.t, c.pool.Tell(c.context(), c.payload(), actors.CancelWithContext()))
			})(c, end)
			if end.needs == cancel {
				c.cancel()
			}
		}},
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
		{"Submit with its context, future kept", cancel, false, func(c *retentionCell, end *ending) {
			c.kept = submitAll(c, actors.CancelWithContext())
			if end.needs == cancel {
				c.cancel()
			}
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
		{"Each", cancel, false, func(c *retentionCell, end *ending) {
			ctx := c.context()
			c.callers.Go(func() {
				yielded := 0
				for range c.pool.Each(ctx, c.payloads()) {
					yielded++
				}
				assert.NotZero(c.t, yielded)
			})
			synctest.Wait()
			if end.needs == cancel {
				c.cancel()
			}
		}},
		{"Group, answers read", cancel, false, func(c *retentionCell, end *ending) {
			submitGroup(c, end, func(group *actors.Group[*burden, *burden]) {
				yielded := 0
				for range group.Answers() {
					yielded++
				}
				assert.Equal(c.t, retentionSize, yielded)
			})
		}},
		{"Group, waited for", cancel, false, func(c *retentionCell, end *ending) {
			submitGroup(c, end, func(group *actors.Group[*burden, *burden]) { _ = group.Wait() })
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

// submitGroup submits tasks in a group, which wait then waits for.
func submitGroup(c *retentionCell, end *ending, wait func(*actors.Group[*burden, *burden])) {
	ctx := c.context()
	c.callers.Go(func() {
		group := c.pool.Group(ctx)
		for range retentionSize {
			require.NoError(c.t, group.Submit(c.payload()))
		}
		wait(group)
	})
	synctest.Wait()
	if end.needs == cancel {
		c.cancel()
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
