package soak_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/actors"
)

// maxTasks is after how many tasks a worker with state is recycled.
const maxTasks = 40

// recycling has the workers recycled for every reason.
func recycling() []actors.Option {
	return []actors.Option{
		actors.WithMaxTasks(maxTasks), actors.WithMaxAge(5 * time.Millisecond), actors.WithIdleTimeout(2 * time.Millisecond),
	}
}

var (
	errStart = errors.New("a failed start")
	errClose = errors.New("a state that was not closed well")
)

// states has the states of workers that have been made.
type states struct {
	st  *fixture
	mu  sync.Mutex
	all []*state // guarded by mu
}

// A state is that of one worker.
type state struct {
	of       *states
	ctx      context.Context
	worker   string
	busy     atomic.Bool
	attempts atomic.Int32
	closed   atomic.Int32
}

// produce makes a state. From time to time it fails, or takes its time.
func (s *states) produce(ctx context.Context) (*state, error) {
	switch rand.N(2000) {
	case 0:
		s.st.inject("slow start")
		time.Sleep(120 * time.Millisecond)
	case 1, 2, 3, 4, 5, 6, 7, 8:
		s.st.inject("failed start")
		return nil, errStart
	}
	mischief()
	made := &state{of: s, ctx: ctx, worker: actors.WorkerID(ctx)}
	assert.NotEmpty(s.st.t, made.worker)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, made)
	return made, nil
}

// Handle implements [actors.Worker].
func (s *state) Handle(ctx context.Context, d deedOf) (int, error) {
	t := s.of.st.t
	assert.True(t, s.busy.CompareAndSwap(false, true), "one task at a time")
	defer s.busy.Store(false)
	assert.Zero(t, s.closed.Load(), "a task for a closed state")
	assert.NoError(t, s.ctx.Err(), "the context of a state in use")
	assert.LessOrEqual(t, s.attempts.Add(1), int32(maxTasks))
	assert.Equal(t, s.worker, actors.WorkerID(ctx))
	return perform(ctx, d)
}

// Close implements [io.Closer].
func (s *state) Close() error {
	assert.Equal(s.of.st.t, int32(1), s.closed.Add(1), "closed once")
	assert.False(s.of.st.t, s.busy.Load(), "closed while it is in use")
	mischief()
	if rand.N(100) == 0 {
		return errClose
	}
	return nil
}

// check waits until all states have been closed. That of an abandoned worker is closed when
// its handler returns.
func (s *states) check() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, made := range s.all {
		if !assert.Eventually(s.st.t, func() bool { return made.closed.Load() > 0 && made.ctx.Err() != nil },
			10*time.Second, time.Millisecond, "a state of %q was not closed", made.worker) {
			return
		}
	}
}
