package troupetest

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"slices"
	"sync"

	"github.com/troupe-go/troupe/actors"
)

// states has the Workers of a pool that are io.Closers, and checks that the pool closes each
// once. A nil *states has none.
type states struct {
	mu     sync.Mutex
	open   map[*state]struct{} // guarded by mu
	faults []string            // guarded by mu
}

// A state is a Worker that is an io.Closer.
type state struct {
	closer io.Closer
	worker string // the ID of the worker that has it
	closes int    // guarded by states.mu
}

func newStates() *states { return &states{open: make(map[*state]struct{})} }

// opened notes a Worker that was made for the worker with the given ID.
func (s *states) opened(worker string, closer io.Closer) *state {
	s.mu.Lock()
	defer s.mu.Unlock()
	made := &state{closer: closer, worker: worker}
	for other := range s.open {
		if identical(other.closer, closer) {
			s.faults = append(s.faults, fmt.Sprintf("the %T that was made for %s is that of %s, which is not closed yet", closer, worker, other.worker))
		}
	}
	s.open[made] = struct{}{}
	return made
}

// identical reports whether two values are pointers to the same variable. Variables of size
// zero may have the same address.
func identical(a, b any) bool {
	typ := reflect.TypeOf(a)
	return typ.Kind() == reflect.Pointer && typ.Elem().Size() > 0 && a == b
}

// closing notes that the pool closes a Worker.
func (s *states) closing(closed *state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, closed)
	closed.closes++
	if closed.closes > 1 {
		s.faults = append(s.faults, fmt.Sprintf("the %T of %s was closed again", closed.closer, closed.worker))
	}
}

// audit lists the Workers that were not closed exactly once by a pool that has stopped.
func (s *states) audit() []string {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	faults := slices.Clone(s.faults)
	for left := range s.open {
		faults = append(faults, fmt.Sprintf("the %T of %s was not closed", left.closer, left.worker))
	}
	slices.Sort(faults)
	return faults
}

// A maker makes the Workers of a pool while it notes the calls and what becomes of the
// Workers.
type maker[W actors.Worker[In, Out], In, Out any] struct {
	produce func(context.Context) (W, error)
	calls   *calls
	states  *states
	making  *callee
	closing *callee
}

func newMaker[W actors.Worker[In, Out], In, Out any](produce func(context.Context) (W, error), c *calls) *maker[W, In, Out] {
	return &maker[W, In, Out]{produce, c, newStates(), &callee{
		"The function that makes the Worker of", "It must return soon after its context has ended.",
	}, &callee{
		"Close of the Worker of", "Close must return soon, since the pool waits for it.",
	}}
}

// producer returns what makes the Workers; nil if the test gave a nil function.
func (m *maker[W, In, Out]) producer() func(context.Context) (actors.Worker[In, Out], error) {
	if m.produce == nil {
		return nil
	}
	return m.make
}

func (m *maker[W, In, Out]) make(ctx context.Context) (actors.Worker[In, Out], error) {
	id := actors.WorkerID(ctx)
	defer m.calls.begin(m.making, id)()
	worker, err := m.produce(ctx)
	if err != nil {
		return nil, err
	}
	closer, ok := any(worker).(io.Closer)
	if !ok {
		return worker, nil
	}
	return &closedWorker[In, Out]{worker, m.states.opened(id, closer), m.states, m.calls, m.closing}, nil
}

// A closedWorker is a Worker that is an io.Closer.
type closedWorker[In, Out any] struct {
	actors.Worker[In, Out]
	state   *state
	states  *states
	calls   *calls
	closing *callee
}

// Close implements io.Closer.
func (w *closedWorker[In, Out]) Close() error {
	defer w.calls.begin(w.closing, w.state.worker)()
	w.states.closing(w.state)
	return w.state.closer.Close()
}
