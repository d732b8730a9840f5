package router_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// byKey is a custom dispatch: the key of a task is the index of its worker.
func byKey() router.Dispatch {
	return router.Custom(func(task router.TaskView, _ router.Workers) int {
		i, err := strconv.Atoi(task.Key)
		if err != nil {
			panic(err)
		}
		return i
	})
}

// to is the option that sends a task to one worker under byKey.
func to(worker int) actors.TaskOption { return actors.Key(strconv.Itoa(worker)) }

// lanes is a handler for byKey. A task runs until its lane is stepped or its
// context ends. A task finds its lane by its key.
type lanes struct {
	t     *testing.T
	steps []chan struct{}
	mu    sync.Mutex
	begun [][]int // per lane, guarded by mu
}

func newLanes(t *testing.T, n int) *lanes {
	l := &lanes{t: t, begun: make([][]int, n)}
	for range n {
		l.steps = append(l.steps, make(chan struct{}))
	}
	return l
}

func (l *lanes) handle(ctx context.Context, n int) (int, error) {
	task, _ := actors.TaskFromContext(ctx)
	lane, err := strconv.Atoi(task.Key)
	if err != nil {
		return 0, err
	}
	l.mu.Lock()
	l.begun[lane] = append(l.begun[lane], n)
	l.mu.Unlock()
	select {
	case <-l.steps[lane]:
		return n, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// step ends the running task of a lane and waits until nothing moves.
func (l *lanes) step(lane int) {
	l.t.Helper()
	synctest.Wait()
	select {
	case l.steps[lane] <- struct{}{}:
	default:
		require.Fail(l.t, "no task runs", "lane %d", lane)
	}
	synctest.Wait()
}

// of returns the tasks of a lane that have begun, in order.
func (l *lanes) of(lane int) []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.begun[lane])
}

// queuedPerWorker returns the length of each worker's own queue, in dispatch order.
func queuedPerWorker(stats messages.Stats) (queued []int) {
	for _, w := range stats.Workers {
		queued = append(queued, w.Queued)
	}
	return queued
}
