package actors_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
)

// A workshop makes stateful workers and records what happens to them.
type workshop struct {
	produce func(n int) error // called for the n-th worker, from 1; nil: every worker can be made
	close   func() error      // nil: Close succeeds

	mu     sync.Mutex
	made   int
	closed map[int]int // how often each worker was closed
	faults []string
}

// A craftsman is a worker of a workshop. Its tasks are functions.
type craftsman struct {
	shop  *workshop
	n     int
	id    string
	tasks int
	busy  bool
	done  bool
}

type craft func(ctx context.Context, c *craftsman) (int, error)

func (s *workshop) make(ctx context.Context) (*craftsman, error) {
	s.mu.Lock()
	s.made++
	n := s.made
	s.mu.Unlock()
	if s.produce != nil {
		if err := s.produce(n); err != nil {
			return nil, err
		}
	}
	return &craftsman{shop: s, n: n, id: actors.WorkerID(ctx)}, nil
}

func (s *workshop) fault(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, text)
}

func (s *workshop) count() (made, closed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.closed {
		closed += n
	}
	return s.made, closed
}

// check checks that each worker was closed once.
func (s *workshop) check(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	assert.Empty(t, s.faults)
	for n := 1; n <= s.made; n++ {
		assert.LessOrEqual(t, s.closed[n], 1, "worker %d", n)
	}
}

func (c *craftsman) Handle(ctx context.Context, do craft) (int, error) {
	if c.busy || c.done {
		c.shop.fault(fmt.Sprintf("worker %d got a task: busy %v, closed %v", c.n, c.busy, c.done))
	}
	if id := actors.WorkerID(ctx); id != c.id {
		c.shop.fault(fmt.Sprintf("worker of %q got a task of %q", c.id, id))
	}
	c.busy = true
	defer func() { c.busy = false }()
	c.tasks++
	return do(ctx, c)
}

func (c *craftsman) Close() error {
	if c.busy {
		c.shop.fault("closed while busy")
	}
	c.done = true
	c.shop.mu.Lock()
	if c.shop.closed == nil {
		c.shop.closed = make(map[int]int)
	}
	c.shop.closed[c.n]++
	c.shop.mu.Unlock()
	if c.shop.close != nil {
		return c.shop.close()
	}
	return nil
}

// number returns the number of the worker that runs it.
func number(_ context.Context, c *craftsman) (int, error) { return c.n, nil }

func newWorkshopPool(t *testing.T, s *workshop, opts ...actors.Option) *actors.Pool[craft, int] {
	t.Helper()
	pool, err := actors.NewPoolOf(nil, s.make, append([]actors.Option{actors.WithLogger(slog.New(slog.DiscardHandler))}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() {
		pool.Close()
		<-pool.Done()
		s.check(t)
	})
	return pool
}

var errProduce = errors.New("no database")

// closer is a worker that does nothing.
type closer struct{ close func() }

func (c *closer) Handle(context.Context, int) (int, error) { return 0, nil }
func (c *closer) Close() error                             { c.close(); return nil }
