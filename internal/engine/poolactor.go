package engine

import (
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/request"
	"github.com/troupe-go/troupe/messages"
)

// Props returns the props of the pool's own actor, which must be spawned as Config.Self.
// supervisor returns the props of the workers' parent. stopped is called when the last
// worker has stopped and the pool's name is free.
func (e *Engine) Props(supervisor func() *actor.Props, stopped func()) *actor.Props {
	m := newPoolMailbox(e)
	e.mailbox = m
	return actor.PropsFromProducer(
		func() actor.Actor {
			return &poolActor{engine: e, mailbox: m, supervisorProps: supervisor, stopped: stopped}
		},
		actor.WithMailbox(func() actor.Mailbox { return m }),
		actor.WithSupervisor(escalator{}),
	)
}

// Ask passes a request on to the supervisor of a pool that has been spawned. It is answered
// even if the pool has stopped.
func (e *Engine) Ask(req *request.Request) { e.mailbox.PostUserMessage(req) }

// NoWorkers returns the message by which the supervisor tells the pool's actor that the
// last worker is gone and will not be replaced.
func NoWorkers() any { return &noWorkers{} }

// Escalation returns the message by which the supervisor tells the pool's actor that the
// strategy has escalated a worker's failure.
func Escalation(reason, message any) any { return &escalation{reason: reason, message: message} }

// Messages from the supervisor to the pool's own actor.
type (
	noWorkers  struct{}
	escalation struct{ reason, message any }
)

// A poolActor is the pool's own actor. It obeys control messages, and its life is that of
// the pool. It runs no user code.
type poolActor struct {
	engine          *Engine
	mailbox         *poolMailbox
	supervisorProps func() *actor.Props
	stopped         func()
	supervisor      *actor.PID // nil: there is none at the moment
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
			e.deliver.Log(slog.LevelError, "supervisor stopped from outside")
			ctx.Stop(ctx.Self())
		}
	case *actor.Stopped:
		a.stop()
	case *noWorkers:
		if ctx.Parent() != nil {
			a.escalate(ctx, messages.ErrNoWorkers, nil)
		}
	case *escalation:
		a.escalate(ctx, msg.reason, msg.message)
	case *request.Request:
		a.ask(msg)
	case messages.Control, protorouter.ManagementMessage:
		a.obey(ctx, msg)
	}
}

func (a *poolActor) start(ctx actor.Context) {
	e := a.engine
	pid, err := ctx.SpawnNamed(a.supervisorProps(), "supervisor")
	if err != nil {
		e.deliver.Log(slog.LevelError, "cannot start the supervisor", "error", err)
		ctx.Stop(ctx.Self())
		return
	}
	a.supervisor = pid
	for _, req := range a.mailbox.requests.pending() {
		e.deliver.Tell(pid, req)
	}
}

// stop ends everything that waits for the pool.
func (a *poolActor) stop() {
	e := a.engine
	e.deliver.Publish(&messages.PoolStopped{Pool: e.name, Report: e.DrainReport()})
	e.sched.close()
	e.closeReplies()
	a.mailbox.Close()
	for _, req := range a.mailbox.requests.list {
		req.Answer(e.rejection(messages.ErrPoolStopped))
	}
	a.stopped()
	a.mailbox.watchers.Tell(e.deliver, e.self)
}

// obey carries out a control message. It passes messages that change the workers on to the
// supervisor. A message that asks about them is answered when the changes before it have been
// made.
func (a *poolActor) obey(ctx actor.Context, msg any) {
	e, sender := a.engine, ctx.Sender()
	respond := func(answer any) {
		if sender != nil {
			e.tell(sender, answer)
		}
	}
	switch msg := msg.(type) {
	case *messages.GetStats:
		a.mailbox.requests.then(func() { respond(e.Stats()) })
	case *protorouter.GetRoutees:
		a.mailbox.requests.then(func() { respond(&protorouter.Routees{PIDs: e.Routees()}) })
	case *messages.Pause:
		if !e.Pause() {
			respond(e.rejection(messages.ErrPoolStopped))
			return
		}
		respond(&messages.Paused{})
	case *messages.Resume:
		e.Resume()
		respond(&messages.Resumed{})
	case *messages.ListQuarantine:
		respond(&messages.Quarantine{Tasks: e.Quarantined()})
	case *messages.Requeue:
		a.requeue(msg.Numbers, respond)
	case *messages.DeleteQuarantined:
		respond(&messages.Deleted{Count: e.DeleteQuarantined(msg.Numbers)})
	case *messages.Drain:
		e.Drain(func() { a.quiet(respond) })
	case *messages.Finish:
		e.Finish(func() { a.quiet(respond) })
	default:
		a.ask(request.New(msg, respond))
	}
}

// ask passes a request on to the supervisor. If there is none at the moment, the next one gets
// it; if there will be none, stop answers it.
func (a *poolActor) ask(req *request.Request) {
	a.mailbox.requests.add(req)
	if a.supervisor != nil {
		a.engine.deliver.Tell(a.supervisor, req)
	}
}

// quiet answers whoever has had the pool drained or finished, and stops the pool.
func (a *poolActor) quiet(respond func(any)) {
	report := a.engine.DrainReport()
	respond(&report)
	a.engine.cfg.System.Root.Stop(a.engine.self)
}

// requeue submits quarantined tasks again. That may call a custom dispatch, so it runs on a
// goroutine of its own.
func (a *poolActor) requeue(numbers []int64, respond func(any)) {
	go func() {
		answer := new(messages.Requeued)
		if err := guard.Apart(func() { answer.Count, answer.Err = a.engine.Requeue(numbers) }); err != nil {
			answer.Err = err
		}
		respond(answer)
	}()
}

// escalate asks the strategy of the pool's parent what to do about the pool. A pool without
// a parent asks Proto.Actor's default strategy. The pool goes on meanwhile.
func (a *poolActor) escalate(ctx actor.Context, reason, message any) {
	e, self := a.engine, ctx.Self()
	if parent := ctx.Parent(); parent != nil {
		e.deliver.TellSystem(parent, &actor.Failure{
			Who: self, Reason: reason, RestartStats: a.mailbox.failures, Message: message,
		})
		return
	}
	system, supervisor := ctx.ActorSystem(), ctx.(actor.Supervisor)
	e.deliver.Do(self, func() { // it logs, and publishes an event
		actor.DefaultSupervisorStrategy().HandleFailure(system, supervisor, self, a.mailbox.failures, reason, message)
	})
}

// escalator passes a failure of the supervisor itself on to the pool's parent.
type escalator struct{}

func (escalator) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, _ *actor.PID, _ *actor.RestartStatistics, reason, message any) {
	s.EscalateFailure(reason, message)
}
