package actors

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/directory"
	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/internal/supervision"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// PropsFromHandler returns the props of a pool whose tasks have payloads of type
// In. Every task sent with a sender is answered with one *messages.Result. A
// payload of another type is rejected with messages.ErrPayloadType.
//
// If an option makes no sense, spawning the props fails.
func PropsFromHandler[In, Out any](handler Handler[In, Out], opts ...Option) *actor.Props {
	return propsOf(newHandlerWork(handler), true, opts)
}

// PropsFromProducer returns the props of a pool whose workers are actors of the
// user's own: ctx.Actor() in a worker is what the producer made. A worker receives
// every message as it was sent, a *messages.Task as well as any other, and responds
// as any actor does. Control messages go to the pool, a MessageBatch is unpacked, and
// a PoisonPill drains the pool.
//
// A task ends when Receive returns, unless the worker holds it: see [Hold]. It has succeeded,
// unless [Fail] was called or Receive panicked. A response may reach the sender a moment before
// the task counts as succeeded. The pool itself reports a rejection, a timeout or a panic to the
// sender, as a *messages.Result with Err set.
//
// If an option makes no sense, spawning the props fails.
func PropsFromProducer(producer actor.Producer, opts ...Option) *actor.Props {
	return propsOf(newActorWork(producer), false, opts)
}

func propsOf(design design, handled bool, opts []Option) *actor.Props {
	tmpl, err := newTemplate(design, handled, opts)
	if err != nil {
		return (&actor.Props{}).Configure(actor.WithSpawnFunc(
			func(*actor.ActorSystem, string, *actor.Props, actor.SpawnerContext) (*actor.PID, error) {
				return nil, err
			}))
	}
	return tmpl.props()
}

// work is what pools differ in: what their workers are and what tasks are.
type work interface {
	setEngine(e *engine.Engine)
	// produce returns what makes the states of workers; nil: they have none.
	produce() func(context.Context) (engine.State, error)
	// worker returns the props of a worker, configured with the given options.
	worker(options []actor.PropsOption) *actor.Props
	// newTasks makes n tasks side by side, for Engine.Tell; size is the bytes of one.
	newTasks(n int) []*engine.Task
	size() int
	// post submits the task that a message from an actor stands for. makeTask makes one
	// without submitting it.
	post(envelope, message any, task *messages.Task, sender *actor.PID) error
	makeTask(envelope, message any, task *messages.Task, sender *actor.PID, s *engine.Spec) (*engine.Task, error)
}

// A design checks the options of a pool, and returns what makes the work of each pool that is
// spawned.
type design func(*config) (newWork func() work, err error)

// A template makes pools, one each time its props are spawned.
type template struct {
	config
	newWork func() work
	handled bool                 // the work is a handler's
	spawned func(*running, work) // nil: nobody wants to know
	owns    bool                 // the pool has an actor system of its own
}

func newTemplate(design design, handled bool, opts []Option) (*template, error) {
	if design == nil {
		return nil, invalid.Option("handler, produce or producer is nil")
	}
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	if handled && c.dispatch.String() == router.Broadcast().String() {
		return nil, invalid.Option("dispatch %v: a handler's task has one result", c.dispatch)
	}
	newWork, err := design(&c)
	if err != nil {
		return nil, err
	}
	return &template{config: c, newWork: newWork, handled: handled}, nil
}

func (p *template) props() *actor.Props {
	return (&actor.Props{}).Configure(actor.WithSpawnFunc(p.spawn))
}

// spawn starts a pool and returns when its workers have been spawned.
func (p *template) spawn(system *actor.ActorSystem, id string, _ *actor.Props, parent actor.SpawnerContext) (*actor.PID, error) {
	name, logger := p.name, p.logger
	if name == "" {
		name = id
	}
	if logger == nil {
		logger = system.Logger()
	}
	run := &running{
		system: system, pid: system.NewLocalPID(id), done: make(chan struct{}),
		ahead: aheadOf(p.autoscale), quarantines: p.quarantine != (Quarantine{}),
	}
	work := p.newWork()
	run.engine = engine.New(engine.Config{
		System:            system,
		Self:              run.pid,
		Name:              name,
		Dispatch:          p.dispatch,
		Capacity:          p.capacity,
		Overflow:          p.overflow,
		Logger:            logger,
		Tracer:            p.tracer,
		SupervisorMailbox: supervision.Mailbox(),
		Retry:             p.retry,
		Quarantine:        p.quarantine,
		Watchdog:          p.watchdog,
		Breaker:           p.breaker,
		DeadlineCheck:     p.deadlineCheck,
		Hedge:             p.hedge,
		Handled:           p.handled,
		Direct:            p.handled && len(p.workerProps) == 0,
		WorkerProps: func(d actor.Dispatcher) *actor.Props {
			return work.worker(slices.Concat([]actor.PropsOption{actor.WithDispatcher(d)}, p.workerProps))
		},
		Produce:        work.produce(),
		Recycling:      p.recycling,
		MaxHeld:        p.maxHeld,
		ErrorResponses: p.errorResponses,
		Work:           work,
		TaskSize:       work.size(),
		NewTasks:       work.newTasks,
		Post:           work.post,
		Make:           work.makeTask,
	})
	run.callbacks.Failed = func(_ any, err error) {
		run.engine.Deliverer().Log(slog.LevelError, "function given to OnSettled failed", "error", err)
	}
	work.setEngine(run.engine)

	started, tell := make(chan error, 1), run.engine.Deliverer().Tell
	kept := new(supervision.Kept)
	routees := supervision.NewRoutees(p.routees)
	var first sync.Once // the start of the first supervisor is waited for
	props := run.engine.Props(func() *actor.Props {
		return supervision.Props(supervision.Config{
			Pool:        name,
			PID:         run.pid,
			Size:        p.size,
			Strategy:    p.strategy,
			Workers:     run.engine,
			Health:      p.health,
			Autoscale:   p.autoscale,
			Deliverer:   run.engine.Deliverer(),
			Kept:        kept,
			Routees:     routees,
			RouteesOnly: p.routeesOnly,
			Started: func(err error) (awaited bool) {
				first.Do(func() { started <- err; awaited = true })
				return awaited
			},
			Escalate: func(reason, message any) { tell(run.pid, engine.Escalation(reason, message)) },
			NoWorkers: func() {
				if !p.routeesOnly { // further routees may be added
					tell(run.pid, engine.NoWorkers())
				}
			},
		})
	}, func() {
		run.leave()
		if p.owns && !system.IsStopped() {
			_ = guard.Call(system.Shutdown) // it panics if a worker has shut the system down
		}
		close(run.done)
	})

	run.leave = directory.Join(system, listed{run}, name)
	spawned := false
	defer func() {
		if !spawned { // an error, or a panic of the parent
			run.leave()
		}
	}()
	pid, err := actor.DefaultSpawner(system, id, props, parent)
	if err != nil {
		return nil, nameTaken(id, err)
	}
	spawned = true
	select {
	case err = <-started:
	case <-run.done:
		return nil, messages.ErrPoolStopped
	}
	if err != nil {
		system.Root.Stop(pid)
		<-run.done
		return nil, err
	}
	if p.spawned != nil {
		p.spawned(run, work)
	}
	return pid, nil
}

func nameTaken(name string, err error) error {
	if errors.Is(err, actor.ErrNameExists) {
		return errors.Join(invalid.Option("name %q is taken", name), err)
	}
	return err
}
