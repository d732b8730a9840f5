package actors

import (
	"fmt"
	"reflect"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// A desk makes the calls of one pool that has a handler.
type desk[In, Out any] struct {
	router  *router.Router
	handler Handler[In, Out]
	asked   sync.Pool // of calls with a channel for their asker
}

var _ work = (*desk[int, int])(nil)

// handlerWork returns nil for a nil handler.
func handlerWork[In, Out any](handler Handler[In, Out]) func(*router.Router) work {
	if handler == nil {
		return nil
	}
	return func(r *router.Router) work { return &desk[In, Out]{router: r, handler: handler} }
}

// slab is how many bytes of tasks for Tell are made at a time. Side by side, they take
// no more memory than they need, and the processor fetches the next one in advance.
const slab = 8 << 10

func (d *desk[In, Out]) newCells() []*router.Cell {
	tasks := make([]told[In, Out], max(slab/int(reflect.TypeFor[told[In, Out]]().Size()), 1))
	cells := make([]*router.Cell, len(tasks))
	for i := range tasks {
		cells[i] = &tasks[i].cell
		cells[i].Init(d.router, &tasks[i])
	}
	return cells
}

func (d *desk[In, Out]) ask() *call[In, Out] {
	c, ok := d.asked.Get().(*call[In, Out])
	if !ok {
		c = &call[In, Out]{desk: d, waits: asker, done: make(chan struct{}, 1)}
	}
	c.users.Store(1)
	c.cell.Init(d.router, c)
	return c
}

// submit makes a call that is never recycled, since anyone may keep its future.
func (d *desk[In, Out]) submit() *call[In, Out] {
	c := &call[In, Out]{desk: d, waits: future, done: make(chan struct{})}
	c.cell.Init(d.router, c)
	return c
}

func (d *desk[In, Out]) accept(envelope any, task *messages.Task, from *actor.PID) (*router.Cell, error) {
	_, payload, _ := actor.UnwrapEnvelope(envelope)
	if task != nil {
		payload = task.Payload
	}
	in, ok := payload.(In)
	if !ok && (payload != nil || reflect.TypeFor[In]().Kind() != reflect.Interface) {
		return nil, fmt.Errorf("%w: %T, not %v", messages.ErrPayloadType, payload, reflect.TypeFor[In]())
	}
	c := &call[In, Out]{desk: d, waits: sender, in: in}
	c.cell.Init(d.router, c)
	c.cell.SetSender(from)
	return &c.cell, describe(&c.cell, payload, task)
}

func (d *desk[In, Out]) worker(options []actor.PropsOption) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor { return handlerWorker{} }, options...)
}

// adopt refuses: a foreign actor cannot run the handler.
func (d *desk[In, Out]) adopt(*actor.PID) *actor.Props { return nil }

// describe gives the cell the attributes of the task or, if that is nil, of the
// plain message.
func describe(c *router.Cell, message any, task *messages.Task) error {
	if task == nil {
		if hasher, ok := message.(interface{ Hash() string }); ok {
			return hash(c, hasher)
		}
		return nil
	}
	if task.Timeout < 0 {
		return invalid.Option("task timeout %v < 0", task.Timeout)
	}
	c.SetPriority(task.Priority)
	if task.Timeout > 0 {
		c.SetTimeout(task.Timeout)
	}
	if task.ID != "" || task.Key != "" || task.Headers != nil {
		*c.Attrs() = router.Attrs{ID: task.ID, Key: task.Key, Headers: task.Headers}
	}
	return nil
}

// hash sets the key that a plain message has by Proto.Actor's convention. The
// message's method must not take its sender down.
func hash(c *router.Cell, message interface{ Hash() string }) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = invalid.Option("Hash of %T panicked: %v", message, value)
		}
	}()
	c.Attrs().Key = message.Hash()
	return nil
}

// A task is what the actor of a worker with a handler receives.
type task interface {
	router.Body
	taskCell() *router.Cell
}

// handlerWorker is the actor of a worker with a handler.
type handlerWorker struct{}

// Receive implements actor.Actor.
func (handlerWorker) Receive(ctx actor.Context) {
	switch message := ctx.Message().(type) {
	case task:
		message.Run(message.taskCell().Context())
	case actor.SystemMessage, actor.AutoReceiveMessage, actor.AutoRespond, *actor.ReceiveTimeout:
	default: // a message to the worker itself, which has no use for one
		ctx.ActorSystem().DeadLetter.SendUserMessage(ctx.Self(), message)
	}
}
