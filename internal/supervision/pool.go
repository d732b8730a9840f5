package supervision

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/deliver"
)

// pool has what the parts of a supervisor share. Only the supervisor changes it, when it
// stops.
type pool struct {
	name     string
	workers  Workers
	deliver  *deliver.Deliverer
	mailbox  *supervisorMailbox
	routees  *Routees
	stopping bool
}

// self returns the PID of the supervisor.
func (p *pool) self() *actor.PID { return p.mailbox.self.Load() }

// props returns the props of a worker that stands for a foreign actor or, if that is nil, of one
// of the pool's own.
func (p *pool) props(foreign *actor.PID) *actor.Props {
	if foreign == nil {
		return p.workers.NewWorker()
	}
	return p.workers.Adopt(foreign)
}

// discard forgets workers that have been made and are not wanted.
func (p *pool) discard(made []*actor.PID) {
	for _, worker := range made {
		p.workers.Discard(worker)
	}
}

// publish publishes an event. Call flush before the answer to a request that has led to it.
func (p *pool) publish(event any) { p.deliver.PublishLater(event) }

// flush waits until subscribers have heard of the events so far, for a limited time.
func (p *pool) flush() { p.deliver.Flush() }

// stop makes a worker stop.
func (p *pool) stop(worker *actor.PID) { p.deliver.TellSystem(worker, &actor.Stop{}) }

// A step is a message to the supervisor itself: it calls do. A supervisor that is stopping
// calls dropped instead, on any goroutine.
type step struct {
	of          *pool
	do, dropped func()
}

// post makes the supervisor call do, unless it is stopping. It is safe for concurrent use.
func (p *pool) post(do func()) { p.postOr(do, func() {}) }

// postOr makes the supervisor call do or, if it is stopping, dropped.
func (p *pool) postOr(do, dropped func()) {
	p.mailbox.PostUserMessage(&step{of: p, do: do, dropped: dropped})
}

// after is post after some time.
func (p *pool) after(d time.Duration, do func()) *time.Timer {
	return time.AfterFunc(d, func() { p.post(do) })
}
