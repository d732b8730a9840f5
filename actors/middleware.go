package actors

import (
	"fmt"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
)

// WithMiddleware wraps the handler of a pool, to log, measure or check tasks, for example.
// The first function is outermost; further uses of the option wrap further in. What the
// functions return runs once for each attempt. The functions themselves are called once when
// the pool is made, and with [NewPoolOf] each time a Worker is made.
//
// It is an error if In or Out differ from the types of the pool, if the pool has actors of
// the user's own, or if a function panics or returns nil.
func WithMiddleware[In, Out any](wrap ...func(Handler[In, Out]) Handler[In, Out]) Option {
	return option(func(c *config) error {
		for i, w := range wrap {
			if w == nil {
				return invalid.Option("middleware %d is nil", i)
			}
			c.middleware = append(c.middleware, w)
		}
		return nil
	})
}

// middleware are the functions of WithMiddleware, the outermost first.
type middleware[In, Out any] []func(Handler[In, Out]) Handler[In, Out]

// middlewareOf returns the middleware of a pool.
func middlewareOf[In, Out any](c *config) (wraps middleware[In, Out], err error) {
	for _, w := range c.middleware {
		wrap, ok := w.(func(Handler[In, Out]) Handler[In, Out])
		if !ok {
			return nil, invalid.Option("middleware %T of a pool with a handler of type %T", w, Handler[In, Out](nil))
		}
		wraps = append(wraps, wrap)
	}
	return wraps, nil
}

// wrap returns the handler with the middleware around it.
func (m middleware[In, Out]) wrap(handler Handler[In, Out]) (Handler[In, Out], error) {
	for i := len(m) - 1; i >= 0; i-- {
		inner := handler
		if err := guard.Apart(func() { handler = m[i](inner) }); err != nil {
			return nil, fmt.Errorf("%w: middleware %d: %w", messages.ErrInvalidOption, i, err)
		}
		if handler == nil {
			return nil, invalid.Option("middleware %d has returned nil", i)
		}
	}
	return handler, nil
}
