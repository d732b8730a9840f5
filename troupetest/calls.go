package troupetest

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/internal/goroutine"
)

// calls has the calls of a test's own code by a pool that have not returned: those of the
// handler and, if the workers have state, those that make and close it. A nil *calls has
// none.
type calls struct {
	label func() // marks the calling goroutine as one of the test's

	mu      sync.Mutex
	running map[*call]struct{} // guarded by mu
}

// A call is one call of the test's code.
type call struct {
	callee    *callee
	name      string // the ID of the task, or of the worker
	began     time.Time
	goroutine goroutine.ID
}

// A callee is something that a pool calls.
type callee struct {
	what   string // begins a sentence; the name of the call follows
	advice string // what to do if it does not return
}

func newCalls(label func()) *calls {
	return &calls{label: label, running: make(map[*call]struct{})}
}

// observing returns an option that notes the calls of a handler. Put it behind all others:
// then the middleware of the test is around it.
func observing[In, Out any](c *calls) actors.Option {
	handlerOfTask := &callee{
		"The handler of task", "A handler must return soon after its context has ended; context.Cause says why it has.",
	}
	return actors.WithMiddleware(func(next actors.Handler[In, Out]) actors.Handler[In, Out] {
		return func(ctx context.Context, in In) (Out, error) {
			defer c.begin(handlerOfTask, taskID(ctx))()
			return next(ctx, in)
		}
	})
}

// begin notes a call until end is called.
func (c *calls) begin(callee *callee, name string) (end func()) {
	c.label() // another goroutine than the test's may have started this one
	begun := &call{callee: callee, name: name, began: time.Now(), goroutine: goroutine.Current()}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running[begun] = struct{}{}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.running, begun)
	}
}

// taskID returns the ID of the task whose handler was given ctx.
func taskID(ctx context.Context) string {
	if task, _ := actors.TaskFromContext(ctx); task.ID != "" {
		return task.ID
	}
	if c := engine.FromContext(ctx); c != nil {
		return strconv.FormatInt(c.Sequence(), 10)
	}
	return "(unknown: the handler's context is not the pool's)"
}

// count returns the number of calls that have not returned.
func (c *calls) count() int {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.running)
}

// unreturned returns the calls that have not returned, the oldest first.
func (c *calls) unreturned() []*call {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []*call
	for call := range c.running {
		list = append(list, call)
	}
	slices.SortFunc(list, func(a, b *call) int {
		return cmp.Or(a.began.Compare(b.began), cmp.Compare(a.name, b.name))
	})
	return list
}
