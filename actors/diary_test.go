package actors_test

import (
	"context"
	"fmt"
	"sync"
	"testing/synctest"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// tracer does what its functions say, and nothing where there is none.
type tracer struct {
	submitted func(context.Context, router.Traced) (map[string]string, func(error))
	begun     func(context.Context, router.Traced) (context.Context, func(messages.Outcome, error))
}

func (tr tracer) Submitted(ctx context.Context, task router.Traced) (map[string]string, func(error)) {
	if tr.submitted == nil {
		return task.Headers, nil
	}
	return tr.submitted(ctx, task)
}

func (tr tracer) Begun(ctx context.Context, task router.Traced) (context.Context, func(messages.Outcome, error)) {
	if tr.begun == nil {
		return nil, nil
	}
	return tr.begun(ctx, task)
}

// diary writes down what a tracer is told.
type diary struct {
	mu    sync.Mutex
	lines []string // guarded by mu
}

func (d *diary) write(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

// take returns what has been written and begins a new page.
func (d *diary) take() []string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	lines := d.lines
	d.lines = nil
	return lines
}

type traceKey struct{}

// tracer passes the submission on in a header, and the attempt in the context.
func (d *diary) tracer() tracer {
	return tracer{
		func(_ context.Context, task router.Traced) (map[string]string, func(error)) {
			d.write("submitted %q %q %d %v", task.ID, task.Key, task.Priority, task.Headers)
			return map[string]string{"trace": "t1"}, func(err error) { d.write("admitted: %v", err) }
		},
		func(ctx context.Context, task router.Traced) (context.Context, func(messages.Outcome, error)) {
			worker := "worker"
			if task.Worker == "" {
				worker = "caller"
			}
			d.write("begun %q %d %v by a %s", task.ID, task.Attempt, task.Headers, worker)
			return context.WithValue(ctx, traceKey{}, task.Attempt), func(o messages.Outcome, err error) {
				d.write("ended %v %v", o, err)
			}
		},
	}
}
