package actors

import "github.com/troupe-go/troupe/router"

// A told is a task of a pool with a handler, whose answer nobody wants. It is made
// by the router, many side by side, and recycled. It holds as little as it can, for
// there may be millions in a queue.
type told[In, Out any] struct {
	cell router.Cell
	in   In
}

var _ task = (*told[int, int])(nil)

func (t *told[In, Out]) taskCell() *router.Cell { return &t.cell }

// Message is the task itself: the worker's actor runs it.
func (t *told[In, Out]) Message() any { return t }

// String keeps a middleware that prints messages from what others may be writing.
func (t *told[In, Out]) String() string { return "troupe task" }

// Payload implements router.Body.
func (t *told[In, Out]) Payload() any { return t.in }

// Again implements router.Body.
func (t *told[In, Out]) Again(r *router.Router) *router.Cell {
	again := &told[In, Out]{in: t.in}
	again.cell.Init(r, again)
	return &again.cell
}

// Run implements router.Body.
func (t *told[In, Out]) Run(ctx *router.Context) {
	_, err := ctx.Work().(*desk[In, Out]).handler(ctx.Handler(), t.in)
	ctx.Finish(&t.cell, err)
}

// Settled implements router.Body.
func (t *told[In, Out]) Settled(error) {}

// Released implements router.Body.
func (t *told[In, Out]) Released() {
	var in In
	t.in = in
}
