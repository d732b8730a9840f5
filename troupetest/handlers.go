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

// handlers has the calls of a pool's handler that have not returned. A nil *handlers has
// none.
type handlers struct {
	label func() // marks the calling goroutine as one of the test's

	mu    sync.Mutex
	calls map[*handlerCall]struct{} // guarded by mu
}

// A handlerCall is one call of the handler.
type handlerCall struct {
	task      string // the ID of the task
	began     time.Time
	goroutine goroutine.ID
}

func newHandlers(label func()) *handlers {
	return &handlers{label: label, calls: make(map[*handlerCall]struct{})}
}

// observed returns a handler that does what h does while the calls are noted. It is nil if h
// is.
func observed[In, Out any](h *handlers, handler actors.Handler[In, Out]) actors.Handler[In, Out] {
	if handler == nil {
		return nil
	}
	return func(ctx context.Context, in In) (Out, error) {
		defer h.begin(ctx)()
		return handler(ctx, in)
	}
}

// begin notes a call until end is called.
func (h *handlers) begin(ctx context.Context) (end func()) {
	h.label() // another goroutine than the test's may have started this one
	call := &handlerCall{task: taskID(ctx), began: time.Now(), goroutine: goroutine.Current()}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls[call] = struct{}{}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.calls, call)
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
func (h *handlers) count() int {
	if h == nil {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.calls)
}

// unreturned returns the calls that have not returned, the oldest first.
func (h *handlers) unreturned() []*handlerCall {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var calls []*handlerCall
	for call := range h.calls {
		calls = append(calls, call)
	}
	slices.SortFunc(calls, func(a, b *handlerCall) int {
		return cmp.Or(a.began.Compare(b.began), cmp.Compare(a.task, b.task))
	})
	return calls
}
