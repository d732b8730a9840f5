package actors_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
)

// attempts is a handler that does for each attempt of a task what its plan says, and
// notes when it began. What is beyond the plan succeeds.
type attempts struct {
	plan  []func() error
	began []time.Duration // since the first
	first time.Time
}

func (a *attempts) handle(ctx context.Context, _ int) (int, error) {
	if a.first.IsZero() {
		a.first = time.Now()
	}
	a.began = append(a.began, time.Since(a.first))
	n := actors.Attempt(ctx)
	if n <= len(a.plan) {
		return n, a.plan[n-1]()
	}
	return n, nil
}

func failing() error { return pooltest.ErrTask }

func crashing() error { panic(pooltest.ErrTask) }

func exiting() error { runtime.Goexit(); return nil }

// poison is a handler whose negative tasks panic, until it is cured.
type poison struct {
	cured atomic.Bool
	done  chan int
}

func newPoison() *poison { return &poison{done: make(chan int, 100)} }

func (p *poison) handle(ctx context.Context, n int) (int, error) {
	if n < 0 && !p.cured.Load() {
		panic(fmt.Sprintf("crash %d", actors.Attempt(ctx)))
	}
	p.done <- n
	return n, nil
}

// stubborn is a handler that never looks at its context: a negative task lasts until
// it is released.
type stubborn struct{ release chan struct{} }

func newStubborn() *stubborn { return &stubborn{release: make(chan struct{})} }

func (s *stubborn) handle(_ context.Context, n int) (int, error) {
	if n < 0 {
		<-s.release
	}
	return n, nil
}
