package engine

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"

	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/messages"
)

// Props returns the props of the pool's own actor, which must be spawned as Config.Self.
// supervisor returns the props of the workers' parent. stopped is called when the last
// worker has stopped and the pool's name is free.
func (e *Engine) Props(supervisor func() *actor.Props, stopped func()) *actor.Props {
	m := newPoolMailbox(e)
	return actor.PropsFromProducer(
		func() actor.Actor {
			return &poolActor{engine: e, mailbox: m, supervisorProps: supervisor, stopped: stopped}
		},
		actor.WithMailbox(func() actor.Mailbox { return m }),
		actor.WithSupervisor(escalator{}),
	)
}

// NoWorkers returns the message by which the supervisor tells the pool's actor that the
// last worker is gone and will not be replaced.
func NoWorkers() any { return &noWorkers{} }

// Escalation returns the message by which the supervisor tells the pool's actor that the
// strategy has escalated a worker's failure.
func Escalation(reason, message any) any { return &escalation{reason: reason, message: message} }

// A poolActor is the pool's own actor. It obeys control messages, and its life is that of
// the pool.
type poolActor struct {
	engine          *Engine
	mailbox         *poolMailbox
	supervisorProps func() *actor.Props
	stopped         func()
	supervisor      *actor.PID
}

// Receive implements actor.Actor.
func (a *poolActor) Receive(ctx actor.Context) {
	e := a.engine
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		a.start(ctx)
	case *actor.Restarting, *actor.Stopping:
		a.supervisor = nil
	case *actor.Terminated:
		if a.supervisor != nil && a.supervisor.Equal(msg.Who) {
			e.cfg.Logger.Error("supervisor stopped from outside", "pool", e.name)
			ctx.Stop(ctx.Self())
		}
	case *actor.Stopped:
		e.deliver.Publish(&messages.PoolStopped{Pool: e.name, Report: e.DrainReport()})
		e.ended.Store(true)
		e.sched.close()
		a.stopped()
	case *noWorkers:
		if ctx.Parent() != nil {
			a.escalate(ctx, messages.ErrNoWorkers, nil)
		}
	case *notice:
		e.deliver.Publish(msg.event)
	case *warning:
		e.cfg.Logger.Warn(msg.text, msg.args...)
	case *escalation:
		a.escalate(ctx, msg.reason, msg.message)
	case messages.Control, protorouter.ManagementMessage, forSupervisor:
		a.obey(ctx, msg)
	}
}

func (a *poolActor) start(ctx actor.Context) {
	pid, err := ctx.SpawnNamed(a.supervisorProps(), "supervisor")
	if err != nil {
		a.engine.cfg.Logger.Error("cannot start the supervisor", "pool", a.engine.name, "error", err)
		ctx.Stop(ctx.Self())
		return
	}
	a.supervisor = pid
}

// obey carries out a control message. It forwards messages about the workers to the
// supervisor.
func (a *poolActor) obey(ctx actor.Context, msg any) {
	e := a.engine
	switch msg := msg.(type) {
	case *messages.Pause:
		if !e.Pause() {
			deliver.Respond(ctx, &messages.Result{Err: messages.ErrPoolStopped, Outcome: messages.Rejected, Pool: e.name})
			return
		}
		deliver.Respond(ctx, &messages.Paused{})
	case *messages.Resume:
		e.Resume()
		deliver.Respond(ctx, &messages.Resumed{})
	case *messages.ListQuarantine:
		deliver.Respond(ctx, &messages.Quarantine{Tasks: e.Quarantined()})
	case *messages.Requeue:
		sender := ctx.Sender()
		go func() { // Requeue may call a custom dispatch, which may block
			n, err := e.Requeue(msg.Numbers)
			if sender != nil {
				e.deliver.Tell(sender, &messages.Requeued{Count: n, Err: err})
			}
		}()
	case *messages.DeleteQuarantined:
		deliver.Respond(ctx, &messages.Deleted{Count: e.DeleteQuarantined(msg.Numbers)})
	case *messages.Drain:
		system, self, sender := ctx.ActorSystem(), ctx.Self(), ctx.Sender()
		e.Drain(func() {
			if sender != nil {
				report := e.DrainReport()
				e.deliver.Tell(sender, &report)
			}
			system.Root.Stop(self)
		})
	case *messages.Broadcast:
		a.broadcast(ctx, msg.Message)
	case *protorouter.BroadcastMessage:
		a.broadcast(ctx, msg.Message)
	default:
		if a.supervisor == nil {
			deliver.Respond(ctx, &messages.Result{Err: messages.ErrPoolStopped, Outcome: messages.Rejected, Pool: e.name})
			return
		}
		ctx.Forward(a.supervisor)
	}
}

func (a *poolActor) broadcast(ctx actor.Context, message any) {
	sender := ctx.Sender()
	task, _ := message.(*messages.Task)
	envelope := envelop(message, sender)
	err := fmt.Errorf("%w: it ended its goroutine", messages.ErrInvalidOption) // if the Hash method of the message ends the goroutine
	deliver.Apart(func() {
		err = a.engine.Broadcast(func(s *Spec) (*Task, error) {
			return a.engine.cfg.Make(envelope, message, task, sender, s)
		})
	})
	if err != nil {
		id := ""
		if task != nil {
			id = task.ID
		}
		a.mailbox.refuse(message, sender, fmt.Errorf("broadcast: %w", err), id)
	}
}

// escalate asks the strategy of the pool's parent what to do about the pool. A pool without
// a parent asks Proto.Actor's default strategy. The pool goes on meanwhile.
func (a *poolActor) escalate(ctx actor.Context, reason, message any) {
	if parent := ctx.Parent(); parent != nil {
		a.engine.deliver.TellSystem(parent, &actor.Failure{
			Who: ctx.Self(), Reason: reason, RestartStats: a.mailbox.failures, Message: message,
		})
		return
	}
	actor.DefaultSupervisorStrategy().HandleFailure(ctx.ActorSystem(), ctx.(actor.Supervisor), ctx.Self(),
		a.mailbox.failures, reason, message)
}

// escalator passes a failure of the supervisor itself on to the pool's parent.
type escalator struct{}

func (escalator) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, _ *actor.PID, _ *actor.RestartStatistics, reason, message any) {
	s.EscalateFailure(reason, message)
}
