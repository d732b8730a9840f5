package guard

import "sync/atomic"

// A Patient calls user code with a time limit. While an earlier call has not returned, it
// makes no further call. So user code that blocks costs its callers Patience once, and one
// goroutine for each call that was under way. A Patient is safe for concurrent use. The zero
// value is ready.
type Patient struct{ blocked atomic.Int32 }

// Call is Within with Patience as the limit. It returns ErrBlocked at once, without calling
// f, while an earlier call blocks.
func (p *Patient) Call(f func()) error {
	if p.blocked.Load() > 0 {
		return ErrBlocked
	}
	over := start(f)
	late, err := await(over, Patience)
	if late {
		p.blocked.Add(1)
		go func() {
			<-over //nolint:errcheck // it has come too late
			p.blocked.Add(-1)
		}()
	}
	return err
}
