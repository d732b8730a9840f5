package actors

import "github.com/troupe-go/troupe/internal/engine"

// A promise is a task of Submit. It is never reused, since anyone may keep its future.
type promise[In, Out any] struct {
	job[In, Out]
	done   chan struct{} // closed when the task is settled
	future Future[Out]
}

var _ engine.Body = (*promise[int, int])(nil)

// Settled implements engine.Body.
func (p *promise[In, Out]) Settled(s *engine.Settlement) {
	p.settled(s)
	s.Account(&p.future.account)
	close(p.done)
	if h := p.future.hooks.Load(); h != nil {
		h.release()
	}
}

// Unlinked implements engine.Body.
func (p *promise[In, Out]) Unlinked() {}
