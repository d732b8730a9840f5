package router

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"

	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/messages"
)

// Props returns the props of the pool's own actor, which is to be spawned as
// Config.Self. supervisor is to return those of the actor that is the workers'
// parent; stopped is called when the last worker has stopped and the pool's name is
// free.
func (r *Router) Props(supervisor func() *actor.Props, stopped func()) *actor.Props {
	f := newFront(r)
	return actor.PropsFromProducer(
		func() actor.Actor {
			return &control{router: r, front: f, supervisorProps: supervisor, stopped: stopped}
		},
		actor.WithMailbox(func() actor.Mailbox { return f }),
		actor.WithSupervisor(escalator{}),
	)
}

// NoWorkers is what the supervisor tells the pool's actor when the last worker
// is gone and none replaces it.
func NoWorkers() any { return &noWorkers{} }

// Escalation is what the supervisor tells the pool's actor when the strategy
// escalates a worker's failure.
func Escalation(reason, message any) any { return &escalation{reason: reason, message: message} }

type (
	noWorkers  struct{}
	escalation struct{ reason, message any }
	notice     struct{ event any } // what is to be published
	warning    struct {            // what is to be logged
		text string
		args []any
	}
)

// forSupervisor is a message to the supervisor that comes by way of the pool.
type forSupervisor interface{ ForSupervisor() }

// control is the pool's own actor: it obeys control messages and lives and ends
// as the pool does.
type control struct {
	router          *Router
	front           *front
	supervisorProps func() *actor.Props
	stopped         func()
	supervisor      *actor.PID
}

// Receive implements actor.Actor.
func (a *control) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		a.start(ctx)
	case *actor.Restarting, *actor.Stopping:
		a.supervisor = nil
	case *actor.Terminated:
		if a.supervisor != nil && a.supervisor.Equal(msg.Who) {
			a.router.cfg.Logger.Error("supervisor stopped from outside", "pool", a.router.cfg.Name)
			ctx.Stop(ctx.Self())
		}
	case *actor.Stopped:
		a.router.deliver.Publish(&messages.PoolStopped{Pool: a.router.cfg.Name, Report: a.router.DrainReport()})
		a.router.ended.Store(true)
		a.router.runners.Close()
		a.stopped()
	case *noWorkers:
		if ctx.Parent() != nil {
			a.escalate(ctx, messages.ErrNoWorkers, nil)
		}
	case *notice:
		a.router.deliver.Publish(msg.event)
	case *warning:
		a.router.cfg.Logger.Warn(msg.text, msg.args...)
	case *escalation:
		a.escalate(ctx, msg.reason, msg.message)
	case messages.Control, protorouter.ManagementMessage, forSupervisor:
		a.obey(ctx, msg)
	}
}

func (a *control) start(ctx actor.Context) {
	pid, err := ctx.SpawnNamed(a.supervisorProps(), "supervisor")
	if err != nil {
		a.router.cfg.Logger.Error("cannot start the supervisor", "pool", a.router.cfg.Name, "error", err)
		ctx.Stop(ctx.Self())
		return
	}
	a.supervisor = pid
}

// obey does what a control message says. What concerns the workers is the
// supervisor's.
func (a *control) obey(ctx actor.Context, msg any) {
	r := a.router
	switch msg := msg.(type) {
	case *messages.Pause:
		if !r.Pause() {
			deliver.Respond(ctx, &messages.Result{Err: messages.ErrPoolStopped, Outcome: messages.Rejected})
			return
		}
		deliver.Respond(ctx, &messages.Paused{})
	case *messages.Resume:
		r.Resume()
		deliver.Respond(ctx, &messages.Resumed{})
	case *messages.ListQuarantine:
		deliver.Respond(ctx, &messages.Quarantine{Tasks: r.Quarantined()})
	case *messages.Requeue:
		sender := ctx.Sender()
		go func() { // a custom dispatch is the user's, and may do its worst
			n, err := r.Requeue(msg.Numbers)
			if sender != nil {
				r.deliver.Tell(sender, &messages.Requeued{Count: n, Err: err})
			}
		}()
	case *messages.DeleteQuarantined:
		deliver.Respond(ctx, &messages.Deleted{Count: r.DeleteQuarantined(msg.Numbers)})
	case *messages.Drain:
		system, self, sender := ctx.ActorSystem(), ctx.Self(), ctx.Sender()
		r.Drain(func() {
			if sender != nil {
				report := r.DrainReport()
				r.deliver.Tell(sender, &report)
			}
			system.Root.Stop(self)
		})
	case *messages.Broadcast:
		a.broadcast(ctx, msg.Message)
	case *protorouter.BroadcastMessage:
		a.broadcast(ctx, msg.Message)
	default:
		if a.supervisor == nil {
			deliver.Respond(ctx, &messages.Result{Err: messages.ErrPoolStopped, Outcome: messages.Rejected})
			return
		}
		ctx.Forward(a.supervisor)
	}
}

func (a *control) broadcast(ctx actor.Context, message any) {
	sender := ctx.Sender()
	task, _ := message.(*messages.Task)
	envelope := envelop(message, sender)
	err := fmt.Errorf("%w: it ended its goroutine", messages.ErrInvalidOption) // the message's Hash, unless it gets further
	deliver.Apart(func() {
		err = a.router.Broadcast(func() (*Cell, error) { return a.router.cfg.Accept(envelope, task, sender) })
	})
	if err != nil {
		deliver.Respond(ctx, &messages.Result{Err: fmt.Errorf("broadcast: %w", err), Outcome: messages.Rejected})
	}
}

// escalate asks the strategy of the pool's parent what to do about the pool, or
// Proto.Actor's default one where it has none. The pool goes on meanwhile.
func (a *control) escalate(ctx actor.Context, reason, message any) {
	if parent := ctx.Parent(); parent != nil {
		a.router.deliver.TellSystem(parent, &actor.Failure{
			Who: ctx.Self(), Reason: reason, RestartStats: a.front.failures, Message: message,
		})
		return
	}
	actor.DefaultSupervisorStrategy().HandleFailure(ctx.ActorSystem(), ctx.(actor.Supervisor), ctx.Self(),
		a.front.failures, reason, message)
}

// escalator hands a failure of the supervisor itself on to the pool's parent.
type escalator struct{}

func (escalator) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, _ *actor.PID, _ *actor.RestartStatistics, reason, message any) {
	s.EscalateFailure(reason, message)
}
