package model_test

import (
	"context"
	"slices"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// stateful says what the states of the workers are like. To make and to close one takes no
// time, so the reference does not know of them.
type stateful struct {
	on       bool
	maxTasks int // the limits for which workers are recycled; 0: none
	maxAge   int
	idle     int
	failing  int // each start with a number divisible by failing fails; 0: none does
}

// options are those for recycling.
func (s script) recycling() (options []actors.Option) {
	if s.states.maxTasks > 0 {
		options = append(options, actors.WithMaxTasks(s.states.maxTasks))
	}
	if s.states.maxAge > 0 {
		options = append(options, actors.WithMaxAge(s.maxAge()))
	}
	if s.states.idle > 0 {
		options = append(options, actors.WithIdleTimeout(s.idleTimeout()))
	}
	return options
}

func (s script) maxAge() time.Duration      { return s.span(s.states.maxAge, ofAge) }
func (s script) idleTimeout() time.Duration { return s.span(s.states.idle, ofIdleness) }

// states has all states of the workers. The lock of the runner guards it.
type states struct {
	starts     int
	failed     int             // those that were not restarts: a restart counts when it has been completed
	restarting map[string]bool // by worker: the next start is a restart
	all        []*state
	stopping   bool          // a stop has begun
	crashed    time.Duration // when a handler crashed last
	recycled   int64         // states closed since their workers were recycled
	either     int64         // closed for this reason or another
}

// A state is that of one worker. The lock of the runner guards its fields.
type state struct {
	runner   *runner
	ctx      context.Context
	worker   string
	made     time.Duration
	attempts int
	busy     bool
	used     time.Duration // when the last attempt ended
	crashed  bool          // it crashed
	closed   bool
}

// produce makes the state of a worker.
func (r *runner) produce(ctx context.Context) (made *state, err error) {
	s := &state{runner: r, ctx: ctx, worker: actors.WorkerID(ctx), made: r.now(), used: r.now()}
	var fails, second bool
	n := 0
	r.note(func() {
		of := &r.states
		of.starts++
		n = of.starts
		second = slices.ContainsFunc(of.all, func(other *state) bool { return !other.closed && other.worker == s.worker })
		if fails = r.script.states.failing > 0 && n%r.script.states.failing == 0; fails {
			if !of.restarting[s.worker] {
				of.failed++
			}
			of.restarting[s.worker] = true
			return
		}
		delete(of.restarting, s.worker)
		of.all = append(of.all, s)
	})
	if s.worker == "" || second || ctx.Err() != nil {
		r.fault("worker %q makes a state, with another open: %v, in a context: %v", s.worker, second, ctx.Err())
	}
	switch {
	case !fails:
		return s, nil
	case n%2 == 0:
		panic(errStart)
	default:
		return nil, errStart
	}
}

// Handle implements [actors.Worker].
func (s *state) Handle(ctx context.Context, payload int) (int, error) {
	r, crashed := s.runner, true
	r.note(func() {
		s.attempts++
		limit := r.script.states.maxTasks
		if s.busy || s.closed || s.crashed || limit > 0 && s.attempts > limit {
			r.faultLocked("attempt %d in a state of %q, busy: %v, closed: %v, crashed: %v", s.attempts, s.worker, s.busy, s.closed, s.crashed)
		}
		s.busy = true
	})
	defer func() {
		r.note(func() {
			s.busy, s.used, s.crashed = false, r.now(), crashed
			if crashed {
				r.states.crashed = r.now()
			}
		})
	}()
	if worker := actors.WorkerID(ctx); worker != s.worker || s.ctx.Err() != nil {
		r.fault("worker %q has a state of %q, whose context: %v", worker, s.worker, s.ctx.Err())
	}
	out, err := r.handle(ctx, payload)
	crashed = false
	return out, err
}

// Close implements [io.Closer].
func (s *state) Close() error {
	r := s.runner
	stats := r.stats()
	listed := slices.ContainsFunc(stats.Workers[:min(stats.Size, len(stats.Workers))], func(w messages.WorkerStats) bool { return w.ID == s.worker })
	r.note(func() {
		if s.busy || s.closed || s.ctx.Err() != nil {
			r.faultLocked("state of %q closed, busy: %v, closed before: %v, context: %v", s.worker, s.busy, s.closed, s.ctx.Err())
		}
		s.closed = true
		another := r.script.allForOne && r.states.crashed >= s.made // it may have had a task in hand then
		switch sure := listed && !r.states.stopping && !another; {
		case s.crashed:
			r.states.restarting[s.worker] = true
		case sure && !s.wornOutLocked():
			r.faultLocked("state of %q closed for no reason: %d attempts, since %v, used at %v", s.worker, s.attempts, s.made, s.used)
		case sure:
			r.states.recycled++
		case s.wornOutLocked():
			r.states.either++
		}
	})
	return nil
}

// wornOutLocked reports whether the worker is to be recycled.
func (s *state) wornOutLocked() bool {
	script, now := s.runner.script, s.runner.now()
	limits := &script.states
	return limits.maxTasks > 0 && s.attempts >= limits.maxTasks ||
		limits.maxAge > 0 && now-s.made >= script.maxAge() ||
		limits.idle > 0 && now-s.used >= script.idleTimeout()
}

// checkRecycled compares the statistics with the states that were closed.
func (r *runner) checkRecycled(stats *messages.Stats) {
	r.note(func() {
		of := &r.states
		if stats.Recycled < of.recycled || stats.Recycled > of.recycled+of.either {
			r.faultLocked("%d workers recycled, and %d states closed for that, maybe %d more", stats.Recycled, of.recycled, of.either)
		}
	})
}

// checkClosed checks that every state has been closed, and its context ended.
func (r *runner) checkClosed() {
	r.note(func() {
		for _, s := range r.states.all {
			if !s.closed || s.ctx.Err() == nil {
				r.faultLocked("state of %q after the end, closed: %v, context: %v", s.worker, s.closed, s.ctx.Err())
			}
		}
	})
}
