package actors

import (
	"context"
	"iter"
	"maps"
	"math"
	"sync/atomic"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// Map submits the inputs that ins yields, and yields their answers in the same order. The
// errors are those of [Pool.Ask]. If the pool rejects an input, Map yields the reason in
// its place. If an option makes no sense, Map yields that error alone.
//
// Map keeps two tasks for each worker unsettled, or more in an autoscaled pool, so that the
// autoscaler sees a backlog when more workers would help. While the answer that is next in order is
// missing, Map collects up to 128 later answers for each worker, so that a slow task does
// not idle the other workers. Both numbers follow the size of the pool. With [Ahead], neither
// applies: Map pulls at most that many inputs whose answers the loop has not consumed. Map
// pulls inputs on the goroutine of the loop.
//
// When the loop over the answers ends early, for whatever reason, Map cancels the tasks
// whose answers were not consumed. When ctx ends, Map cancels the tasks that are left,
// yields their errors, and yields one last error for the first input that was not
// submitted.
func (p *Pool[In, Out]) Map(ctx context.Context, ins iter.Seq[In], opts ...TaskOption) iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		m := mapping[In, Out]{pool: p, ctx: ctx, yield: yield, window: newWindow()}
		if err := p.describe(&m.spec, opts, &m.ahead); err != nil {
			var out Out
			yield(out, err)
			return
		}
		if ctx != nil {
			m.ended = ctx.Done()
		}
		defer m.cancelRest()
		for in := range ins {
			if !m.submit(in) {
				break
			}
			if !m.makeRoom() {
				return
			}
		}
		m.drain()
	}
}

// outOfOrder is how many answers per worker a Map collects while an earlier one is missing.
const outOfOrder = 128

// aheadOf returns how many tasks per worker a Map keeps unsettled. With two, a worker that
// has finished a task finds the next one in the queue. An autoscaled pool needs a longer
// queue, since its rule adds workers only when the queue is long.
func aheadOf(scale *supervisor.Autoscale) int {
	const fixed, autoscaled, most = 2, 4, 64
	if scale == nil {
		return fixed
	}
	if rule, ok := scale.Rule.(supervisor.Threshold); ok && rule.Factor > autoscaled-2 {
		return int(min(math.Floor(rule.Factor), most)) + 2
	}
	return autoscaled
}

// aheadFor returns how many tasks may be unsettled in a pool with the given number of
// workers. given is what [Ahead] says, or 0.
func (p *running) aheadFor(workers, given int) int {
	if given > 0 {
		return min(given, math.MaxInt/2) // callers add to it
	}
	return p.ahead * max(workers, 1)
}

// A mapping is one run of Map. Its methods run on the consumer's goroutine.
type mapping[In, Out any] struct {
	pool    *Pool[In, Out]
	ctx     context.Context
	ended   <-chan struct{} // ctx.Done(); nil once the tasks have been canceled
	spec    engine.Spec     // of each task
	ahead   int             // tasks that may be unsettled; 0: as many as the pool's size allows
	yield   func(Out, error) bool
	window  *window
	pending []mapped[In, Out] // in the order of the inputs; not yet yielded
}

// mapped is one input of a mapping: a call, or the reason why there is none.
type mapped[In, Out any] struct {
	call    *call[In, Out]
	err     error
	settled bool
}

// ready reports whether there is an answer.
func (m *mapped[In, Out]) ready() bool {
	if !m.settled {
		select {
		case <-m.call.done:
			m.settled = true
		default:
		}
	}
	return m.settled
}

// submit submits one input. It returns false if ctx admits no further input.
func (m *mapping[In, Out]) submit(in In) bool {
	c := m.pool.work.ask()
	c.window = m.window
	m.window.unsettled.Add(1)
	s := m.spec
	s.Headers = maps.Clone(s.Headers)
	if err := m.pool.submit(m.ctx, c, in, &s); err != nil {
		m.window.unsettled.Add(-1)
		m.pending = append(m.pending, mapped[In, Out]{err: err, settled: true})
		return m.ctx != nil && m.ctx.Err() == nil
	}
	m.pending = append(m.pending, mapped[In, Out]{call: c})
	return true
}

// makeRoom returns when a further input may be submitted. Meanwhile it yields answers. It
// returns false if the consumer breaks off.
func (m *mapping[In, Out]) makeRoom() bool {
	ahead, _, _ := m.limits()
	if len(m.pending) >= ahead && m.pending[0].ready() && !m.give() { // do not outrun a slow consumer
		return false
	}
	for m.full() {
		if !m.next(true) {
			return false
		}
	}
	return true
}

// drain yields the answers that are left, unless the consumer breaks off.
func (m *mapping[In, Out]) drain() {
	for len(m.pending) > 0 {
		if !m.next(false) {
			return
		}
	}
}

// limits returns how many tasks may be unsettled, and how many may be pending. changed is
// closed when that may have changed.
func (m *mapping[In, Out]) limits() (unsettled, pending int, changed <-chan struct{}) {
	workers, changed := m.pool.engine.Workers()
	unsettled = m.pool.aheadFor(workers, m.ahead)
	if m.ahead > 0 {
		return unsettled, unsettled, changed
	}
	return unsettled, unsettled + outOfOrder*workers, changed
}

// full reports whether no further input may be submitted.
func (m *mapping[In, Out]) full() bool {
	unsettled, pending, _ := m.limits()
	return len(m.pending) > 0 && (len(m.pending) >= pending || m.window.unsettled.Load() >= int64(unsettled))
}

// next yields the first pending answer, if it is there. Otherwise it waits for that answer
// or, if inputs are left, for room for one. It returns false if the consumer breaks off.
func (m *mapping[In, Out]) next(inputs bool) bool {
	first := &m.pending[0]
	if !first.ready() {
		m.wait(first, inputs)
	}
	return !first.settled || m.give()
}

// wait waits for the first pending answer or, if inputs are left, for room for one.
func (m *mapping[In, Out]) wait(first *mapped[In, Out], inputs bool) {
	stuck, unblock, err := m.pool.engine.Blocking(m.ctx, &first.call.task)
	if err != nil {
		m.cancel(first, err)
		return
	}
	defer unblock()
	unsettled, pending, changed := m.limits()
	if inputs && len(m.pending) < pending {
		defer m.window.stop()
		if !m.window.await(unsettled) {
			return
		}
	}
	select {
	case <-first.call.done:
		first.settled = true
	case <-m.window.room:
	case <-changed:
	case <-m.ended:
		m.ended = nil
		m.cancelAll(guard.Cause(m.ctx))
	case <-stuck:
		m.cancel(first, messages.ErrDeadlock)
	}
}

// give yields the first pending answer. It returns false if the consumer breaks off.
func (m *mapping[In, Out]) give() bool {
	first := m.pending[0]
	m.pending[0] = mapped[In, Out]{}
	m.pending = m.pending[1:]
	if first.call == nil {
		var out Out
		return m.yield(out, first.err)
	}
	out, err := first.call.result()
	first.call.Unlinked()
	return m.yield(out, err)
}

// cancelAll cancels the pending tasks because of err.
func (m *mapping[In, Out]) cancelAll(err error) {
	for i := range m.pending {
		if !m.pending[i].settled {
			m.cancel(&m.pending[i], err)
		}
	}
}

// cancel cancels a task as Ask does.
func (m *mapping[In, Out]) cancel(task *mapped[In, Out], err error) {
	m.pool.engine.Cancel(&task.call.task, engine.Because(messages.ErrCanceled, err))
}

// cancelRest cancels the tasks that are still pending when the loop ends. Their calls are
// not reused, since they may not be settled yet.
func (m *mapping[In, Out]) cancelRest() {
	for i := range m.pending {
		if c := m.pending[i].call; c != nil {
			m.pool.engine.Cancel(&c.task, messages.ErrCanceled)
		}
	}
}

// A window counts the unsettled tasks of a Map.
type window struct {
	unsettled atomic.Int64
	limit     atomic.Int64  // the Map waits until fewer tasks are unsettled; 0: it does not wait
	room      chan struct{} // has one slot; gets a value when fewer tasks are unsettled
}

func newWindow() *window { return &window{room: make(chan struct{}, 1)} }

// settled counts a settled task.
func (w *window) settled() {
	if w.unsettled.Add(-1) < w.limit.Load() {
		select {
		case w.room <- struct{}{}:
		default:
		}
	}
}

// await asks for a value in room when fewer than n tasks are unsettled. It returns false if
// that is so already.
func (w *window) await(n int) bool {
	w.limit.Store(int64(n))
	return w.unsettled.Load() >= int64(n)
}

// stop ends a wait.
func (w *window) stop() {
	w.limit.Store(0)
	select {
	case <-w.room:
	default:
	}
}
