package actors

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/internal/lanes"
	"github.com/troupe-go/troupe/messages"
)

// handlerWork is the work of a pool that has a handler.
type handlerWork[In, Out any] struct {
	engine  *engine.Engine
	timeout time.Duration                               // of tasks that name none
	handler Handler[In, Out]                            // nil: each worker has its own, as its state
	state   func(context.Context) (engine.State, error) // nil: workers have none
	calls   sync.Pool                                   // of calls, for reuse
}

var _ work = (*handlerWork[int, int])(nil)

// newHandlerWork returns the design of pools with a handler; nil for a nil handler.
func newHandlerWork[In, Out any](handler Handler[In, Out]) design {
	if handler == nil {
		return nil
	}
	return func(c *config) (func() work, error) {
		if c.recycling != (engine.Recycling{}) {
			return nil, invalid.Option("recycling %+v: the workers of a pool made from a handler have no state", c.recycling)
		}
		if err := c.noActors(); err != nil {
			return nil, err
		}
		wraps, err := middlewareOf[In, Out](c)
		if err != nil {
			return nil, err
		}
		wrapped, err := wraps.wrap(handler)
		if err != nil {
			return nil, err
		}
		return func() work { return &handlerWork[In, Out]{timeout: c.timeout, handler: wrapped} }, nil
	}
}

// handlerOf returns the handler of the worker that runs a task.
func (w *handlerWork[In, Out]) handlerOf(ctx *engine.Context) Handler[In, Out] {
	if w.handler != nil {
		return w.handler
	}
	return ctx.State().(Handler[In, Out])
}

func (w *handlerWork[In, Out]) produce() func(context.Context) (engine.State, error) { return w.state }

func (w *handlerWork[In, Out]) setEngine(e *engine.Engine) { w.engine = e }

func (w *handlerWork[In, Out]) newTasks(n int) []*engine.Task {
	slab := make([]tellTask[In, Out], n)
	tasks := make([]*engine.Task, n)
	for i := range slab {
		tasks[i] = &slab[i].task
		tasks[i].Init(&slab[i])
	}
	return tasks
}

func (w *handlerWork[In, Out]) size() int { return int(reflect.TypeFor[tellTask[In, Out]]().Size()) }

// ask returns a call.
func (w *handlerWork[In, Out]) ask() *call[In, Out] {
	c, ok := w.calls.Get().(*call[In, Out])
	if !ok {
		c = &call[In, Out]{done: make(chan struct{}, 1)}
		c.work = w
	}
	c.users.Store(1)
	c.task.Init(c)
	return c
}

// submit makes a promise. lanes call the functions given to OnSettled.
func (w *handlerWork[In, Out]) submit(callbacks *lanes.Lanes) *promise[In, Out] {
	p := &promise[In, Out]{done: make(chan struct{})}
	p.work = w
	p.task.Init(p)
	p.future.engine, p.future.task, p.future.done = w.engine, &p.task, p.done
	p.future.answer, p.future.callbacks = &p.answer, callbacks
	return p
}

func (w *handlerWork[In, Out]) post(_, message any, task *messages.Task, sender *actor.PID) error {
	s := engine.Spec{Mode: engine.NoWait, Timeout: w.timeout, Sender: answerable(message, sender)}
	in, err := w.describe(message, task, &s)
	if err != nil {
		w.engine.Rejected(err)
		return err
	}
	return w.engine.Tell(context.Background(), &s, func(body engine.Body) { body.(*tellTask[In, Out]).in = in })
}

func (w *handlerWork[In, Out]) makeTask(_, message any, task *messages.Task, sender *actor.PID, s *engine.Spec) (*engine.Task, error) {
	s.Timeout, s.Sender = w.timeout, sender
	in, err := w.describe(message, task, s)
	if err != nil {
		return nil, err
	}
	var caller context.Context // none: the sender's values do not reach the handler
	return newTellTask[In, Out](caller, in), nil
}

// answerable returns the sender of a message. It returns nil for an answer of a pool: two
// pools must not answer each other forever.
func answerable(message any, sender *actor.PID) *actor.PID {
	if _, isAnswer := message.(*messages.Result); isAnswer {
		return nil
	}
	return sender
}

// describe returns the payload of a message from an actor, and says in s what its task
// is like.
func (w *handlerWork[In, Out]) describe(message any, task *messages.Task, s *engine.Spec) (in In, err error) {
	payload := message
	if task != nil {
		payload = task.Payload
	} else if isNilTask(message) {
		return in, errNilTask
	}
	in, ok := payload.(In)
	if !ok && (payload != nil || reflect.TypeFor[In]().Kind() != reflect.Interface) {
		return in, fmt.Errorf("%w: %T, not %v", messages.ErrPayloadType, payload, reflect.TypeFor[In]())
	}
	return in, describe(s, message, task)
}

func (w *handlerWork[In, Out]) worker(options []actor.PropsOption) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor { return handlerWorker{w.engine} }, options...)
}

var errNilTask = invalid.Option("nil *messages.Task")

// isNilTask reports whether a message is a nil *messages.Task.
func isNilTask(message any) bool {
	task, ok := message.(*messages.Task)
	return ok && task == nil
}

// describe says in s what a task is like or, if task is nil, a plain message.
func describe(s *engine.Spec, message any, task *messages.Task) error {
	if task == nil {
		if isNilTask(message) {
			return errNilTask
		}
		if hasher, ok := message.(interface{ Hash() string }); ok {
			return hash(s, hasher)
		}
		return nil
	}
	if task.Timeout < 0 {
		return invalid.Option("task timeout %v < 0", task.Timeout)
	}
	if task.Timeout > 0 {
		s.Timeout = task.Timeout
	}
	s.ID, s.Key, s.Priority, s.Headers = task.ID, task.Key, task.Priority, task.Headers
	return nil
}

// hash sets the key that a plain message has by Proto.Actor's convention. A panic of the
// message's method must not take its sender down.
func hash(s *engine.Spec, message interface{ Hash() string }) error {
	if err := guard.Call(func() { s.Key = message.Hash() }); err != nil {
		return invalid.Option("Hash of %T %v", message, err)
	}
	return nil
}

// A handledTask is what the actor of a worker with a handler receives.
type handledTask interface{ engineTask() *engine.Task }

// handlerWorker is the actor of a worker with a handler.
type handlerWorker struct{ engine *engine.Engine }

// Receive implements actor.Actor.
func (h handlerWorker) Receive(ctx actor.Context) {
	switch message := ctx.Message().(type) {
	case handledTask:
		h.engine.RunHandled(message.engineTask())
	case actor.SystemMessage, actor.AutoReceiveMessage, actor.AutoRespond, *actor.ReceiveTimeout:
	default: // a message to the worker itself, which has no use for one
		h.engine.Deliverer().DeadLetter(ctx.Self(), &actor.MessageEnvelope{Message: message, Sender: ctx.Sender()})
	}
}
