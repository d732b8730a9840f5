package pooltest

import "context"

// A Gate has a handler whose tasks end when Open is closed, or when their contexts end.
type Gate struct {
	Begun chan int // the tasks that workers have begun, at most 8192
	Open  chan struct{}
}

// NewGate returns a closed gate.
func NewGate() *Gate { return &Gate{Begun: make(chan int, 1<<13), Open: make(chan struct{})} }

// Handle is the handler.
func (g *Gate) Handle(ctx context.Context, n int) (int, error) {
	g.Begun <- n
	select {
	case <-g.Open:
		return n, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// Order returns the tasks that have been begun since it was called last.
func (g *Gate) Order() []int { return Drain(g.Begun) }
