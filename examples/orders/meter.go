package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/troupe-go/troupe/actors"
)

// A meter measures the attempts of steps.
type meter struct {
	mu    sync.Mutex
	steps map[string]*measured // guarded by mu
}

// measured is what a meter knows of the attempts of one kind of step.
type measured struct {
	attempts, retries, failed int
	total, longest            time.Duration
}

func newMeter() *meter { return &meter{steps: make(map[string]*measured)} }

// measure is the middleware of the pool of steps. It runs once for each attempt.
func (m *meter) measure(next actors.Handler[step, struct{}]) actors.Handler[step, struct{}] {
	return func(ctx context.Context, s step) (struct{}, error) {
		begun := time.Now()
		out, err := next(ctx, s)
		m.add(s.name, actors.Attempt(ctx), time.Since(begun), err)
		return out, err
	}
}

func (m *meter) add(name string, attempt int, took time.Duration, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.steps[name]
	if s == nil {
		s = new(measured)
		m.steps[name] = s
	}
	s.attempts++
	if attempt > 1 {
		s.retries++
	}
	if err != nil {
		s.failed++
	}
	s.total += took
	s.longest = max(s.longest, took)
}

// print prints a table.
func (m *meter) print(w io.Writer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fmt.Fprintf(w, "%-10s%10s%10s%10s%10s%10s\n", "step", "attempts", "retries", "failed", "mean", "longest")
	for _, name := range []string{"reserve", "charge", "ship", "undo"} {
		s := m.steps[name]
		if s == nil {
			s = new(measured)
		}
		mean := s.total / time.Duration(max(s.attempts, 1))
		fmt.Fprintf(w, "%-10s%10d%10d%10d%10v%10v\n", name, s.attempts, s.retries, s.failed,
			mean.Round(100*time.Microsecond), s.longest.Round(100*time.Microsecond))
	}
}
