package router

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"

	"github.com/troupe-go/troupe/messages"
)

// A front is the mailbox of the pool's own actor, whose PID is the pool's: what
// is a task goes from its sender's goroutine straight to the queues, and only
// what is for the pool itself is mailed to its actor.
type front struct {
	actor.Mailbox // of the messages for the pool itself
	router        *Router
	failures      *actor.RestartStatistics // of the pool, for its parent's strategy

	stopping atomic.Bool // it has been told to stop

	// The name is registered before the mailbox has its handlers, so a message
	// can come too early for it.
	mu    sync.Mutex
	ready bool     // guarded by mu
	early []func() // guarded by mu; posts of messages; nil once ready
}

func newFront(r *Router) *front {
	return &front{Mailbox: actor.Unbounded()(), router: r, failures: actor.NewRestartStatistics()}
}

// Start is called once, when the mailbox can take messages.
func (f *front) Start() {
	f.Mailbox.Start()
	f.mu.Lock()
	early := f.early
	f.ready, f.early = true, nil
	f.mu.Unlock()
	for _, post := range early {
		post()
	}
}

// whenReady posts a message, once the mailbox can take it.
func (f *front) whenReady(post func()) {
	f.mu.Lock()
	if !f.ready {
		f.early = append(f.early, post)
		f.mu.Unlock()
		return
	}
	f.mu.Unlock()
	post()
}

// PostUserMessage routes a task, or queues a message for the pool itself. It
// never blocks.
func (f *front) PostUserMessage(envelope any) {
	_, message, sender := actor.UnwrapEnvelope(envelope)
	switch message := message.(type) {
	case messages.Control, protorouter.ManagementMessage:
		if reflect.ValueOf(message).IsNil() {
			f.refuse(message, sender, fmt.Errorf("%w: nil %T", messages.ErrInvalidOption, message), "")
			return
		}
		f.mail(envelope)
	case actor.AutoRespond, *actor.PoisonPill, *noWorkers, *escalation, *notice, *warning, forSupervisor:
		f.mail(envelope)
	case actor.MessageBatch:
		for _, m := range message.GetMessages() {
			f.PostUserMessage(envelop(m, sender))
		}
	default:
		f.route(envelope)
	}
}

func (f *front) mail(envelope any) {
	f.whenReady(func() {
		if _, message, _ := actor.UnwrapEnvelope(envelope); isPoison(message) {
			// Proto.Actor would stop the actor at once.
			f.router.Drain(func() { f.router.cfg.System.Root.Stop(f.router.cfg.Self) })
			return
		}
		f.Mailbox.PostUserMessage(envelope)
	})
}

func isPoison(message any) bool {
	_, ok := message.(*actor.PoisonPill)
	return ok
}

// PostSystemMessage queues a message of the actor system. A stop takes effect at
// once.
func (f *front) PostSystemMessage(message any) {
	switch message.(type) {
	case *actor.Started: // comes between RegisterHandlers and Start, and first
		f.Mailbox.PostSystemMessage(message)
		return
	case *actor.Stop:
		f.stopping.Store(true)
		f.router.Close()
	case *actor.Restart:
		if f.stopping.Load() { // it would make Proto.Actor forget the stop
			return
		}
	case *actor.ResumeMailbox:
		f.router.resumeSuspended()
	}
	f.whenReady(func() { f.Mailbox.PostSystemMessage(message) })
}

func envelop(message any, sender *actor.PID) any {
	if sender == nil {
		return message
	}
	return &actor.MessageEnvelope{Message: message, Sender: sender}
}

// route submits a message that an actor sent as a task. If it is rejected, the
// sender is told, or a dead letter made when there is none.
func (f *front) route(envelope any) {
	r := f.router
	_, message, sender := actor.UnwrapEnvelope(envelope)
	task, _ := message.(*messages.Task)
	c, err := r.cfg.Accept(envelope, task, sender)
	if err == nil {
		err = r.Submit(context.Background(), c, NoWait)
	} else {
		r.Rejected(err)
	}
	if err == nil {
		return
	}
	id := ""
	if task != nil {
		id = task.ID
	}
	f.refuse(message, sender, err, id)
}

func (f *front) refuse(message any, sender *actor.PID, err error, id string) {
	if sender == nil {
		f.router.deliver.DeadLetter(f.router.cfg.Self, message)
		return
	}
	f.router.deliver.Tell(sender, &messages.Result{TaskID: id, Err: err, Outcome: messages.Rejected})
}
