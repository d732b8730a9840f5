package guard

import "sync/atomic"

// A Limited calls user code with a time limit. While an earlier call has not returned, it
// makes no further call. So user code that blocks costs its callers Limit once, and one
// goroutine for each call that was under way. A Limited is safe for concurrent use. The zero
// value is ready.
type Limited struct{ blocked atomic.Int32 }

// Call is Within with [Limit]. It returns ErrBlocked at once, without calling
// f, while an earlier call blocks.
func (l *Limited) Call(f func()) error {
	if l.blocked.Load() > 0 {
		return ErrBlocked
	}
	over := start(f)
	late, err := await(over, Limit)
	if late {
		l.blocked.Add(1)
		go func() {
			<-over //nolint:errcheck // it has come too late
			l.blocked.Add(-1)
		}()
	}
	return err
}
