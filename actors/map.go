package actors

import (
	"context"
	"iter"
)

// Map submits what ins yields and yields the answers in that order. It runs ahead
// of its consumer by as many tasks as two for each worker. When the consumer
// breaks off, what it has not been given is canceled. When ctx ends, what is left
// is canceled: the contexts of its handlers end at once, what is queued is taken out
// as the consumer goes on. One last error is yielded for the first input that was
// not submitted.
//
// An input that the pool rejects yields the reason in its place.
func (p *Pool[In, Out]) Map(ctx context.Context, ins iter.Seq[In], opts ...TaskOption) iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		ahead := max(2*p.engine.Size(), 1)
		var pending []*mapped[Out] // oldest first; at most ahead
		defer func() {
			for _, m := range pending {
				m.cancel()
			}
		}()
		next := func() bool {
			m := pending[0]
			more := yield(m.wait(ctx))
			pending = pending[1:]
			return more
		}
		for in := range ins {
			if len(pending) == ahead && !next() {
				return
			}
			f, err := p.submit(ctx, in, true, opts)
			pending = append(pending, &mapped[Out]{future: f, err: err})
			if err != nil && (ctx == nil || ctx.Err() != nil) {
				break
			}
		}
		for len(pending) > 0 {
			if !next() {
				return
			}
		}
	}
}

// mapped is one input of Map on its way: a future, or why there is none.
type mapped[Out any] struct {
	future *Future[Out]
	err    error
}

func (m *mapped[Out]) wait(ctx context.Context) (out Out, err error) {
	if m.err != nil {
		return out, m.err
	}
	out, err = m.future.Wait(ctx)
	if ctx.Err() != nil {
		m.cancel()
	}
	return out, err
}

func (m *mapped[Out]) cancel() {
	if m.future != nil {
		m.future.Cancel()
	}
}
