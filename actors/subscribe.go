package actors

import (
	"context"
	"log/slog"
	"reflect"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/goroutine"
	"github.com/troupe-go/troupe/messages"
)

// Subscribe calls handle with the events of the pools of an actor system that have the given
// name, from now on; an empty name means all pools. E is the type of the events, such as
// *messages.WorkerRestarted, or messages.Event for all types. Events are shared: handle must not
// change them.
//
// handle runs on a goroutine of its own, with one event after another, in the order in which they
// were published. It may block without delaying any pool. Up to 256 events wait for handle; each
// further one replaces the oldest. The actor system's logger gets a warning with the number of
// dropped events when handle has caught up, or after 256 more events. If handle panics or calls
// runtime.Goexit, that is logged, and the next event follows.
//
// cancel ends the subscription; events that wait are dropped. It waits until a running call of
// handle has returned, so afterwards handle is not running and is never called again. Within
// handle, cancel does not wait, and the call is the last one. Do not call cancel from another
// goroutine that handle waits for. Further calls of cancel only wait.
func Subscribe[E messages.Event](system *actor.ActorSystem, pool string, handle func(E)) (cancel func()) {
	s := &subscription[E]{pool: pool, handle: handle, logger: system.Logger()}
	entry := system.EventStream.Subscribe(s.publish)
	return func() {
		system.EventStream.Unsubscribe(entry)
		s.cancel()
	}
}

// maxEvents is how many events wait for a subscriber. Each further one replaces the oldest.
const maxEvents = 256

// A subscription has the events that wait for a subscriber. While there are any, a goroutine
// hands them out.
type subscription[E messages.Event] struct {
	pool   string // empty: all pools
	handle func(E)
	logger *slog.Logger

	mu        sync.Mutex
	waiting   []E           // guarded by mu; oldest first
	dropped   int           // guarded by mu; events that were dropped and not reported
	handed    int           // guarded by mu; events that were handed out since then
	over      chan struct{} // guarded by mu; closed when the goroutine has no more to do; nil: there is none
	goroutine goroutine.ID  // guarded by mu; of the goroutine
	canceled  bool          // guarded by mu
}

// publish takes an event, on the goroutine that publishes it, which must not panic: an event may
// be of a type that embeds a nil pointer to one of Troupe's.
func (s *subscription[E]) publish(event any) {
	e, ok := event.(E)
	if !ok {
		return
	}
	if s.pool != "" {
		var of string
		if guard.Call(func() { of = messages.PoolOf(e) }) != nil || of != s.pool {
			return
		}
	}
	if s.add(e) {
		go guard.GoOn(s.run)
	}
}

// add adds an event. It reports whether a goroutine must be started that hands it out.
func (s *subscription[E]) add(event E) (start bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.canceled {
		return false
	}
	if len(s.waiting) == maxEvents {
		clear(s.waiting[:1])
		s.waiting = s.waiting[1:]
		s.dropped++
	}
	s.waiting = append(s.waiting, event)
	if s.over != nil {
		return false
	}
	s.over = make(chan struct{})
	return true
}

// run hands out events until there are none. If handle ends its goroutine, run is called again on
// another one.
func (s *subscription[E]) run() {
	s.setGoroutine(goroutine.Current())
	for {
		event, has, dropped := s.take()
		if dropped > 0 {
			s.log(slog.LevelWarn, "events dropped: their subscriber is slow", "dropped", dropped)
		}
		switch {
		case has:
			guard.Report(func() { s.handle(event) }, func(err error) {
				s.log(slog.LevelError, "event subscriber failed", "error", err)
			})
		case dropped == 0:
			return
		}
	}
}

func (s *subscription[E]) setGoroutine(id goroutine.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.goroutine = id
}

// take returns the next event, if it has one, and a number of dropped events to report. If there
// is neither, the goroutine must end.
func (s *subscription[E]) take() (event E, has bool, dropped int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if has = len(s.waiting) > 0; has {
		event = s.waiting[0]
		clear(s.waiting[:1])
		s.waiting = s.waiting[1:]
		if s.handed++; s.handed < maxEvents {
			return event, true, 0
		}
	}
	dropped = s.dropped
	s.dropped, s.handed = 0, 0
	if !has && dropped == 0 {
		close(s.over)
		s.over, s.goroutine, s.waiting = nil, "", nil
	}
	return event, has, dropped
}

// log writes a line to the log, which is user code. If that fails, there is nobody to tell.
func (s *subscription[E]) log(level slog.Level, text string, args ...any) {
	args = append([]any{"event", reflect.TypeFor[E]().String()}, args...)
	if s.pool != "" {
		args = append([]any{"pool", s.pool}, args...)
	}
	_ = guard.Apart(func() { s.logger.Log(context.Background(), level, text, args...) })
}

// cancel ends the subscription and waits until handle has returned.
func (s *subscription[E]) cancel() {
	if over := s.end(goroutine.Current()); over != nil {
		<-over
	}
}

// end ends the subscription. It returns what to wait for, unless the caller is the goroutine that
// hands out events.
func (s *subscription[E]) end(caller goroutine.ID) (over <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.canceled, s.waiting = true, nil
	if s.goroutine == caller {
		return nil
	}
	return s.over
}
