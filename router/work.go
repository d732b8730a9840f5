package router

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/internal/goroutine"
	"github.com/troupe-go/troupe/messages"
)

// run is the worker's goroutine.
func (w *Worker) run() { w.workFrom(nil) }

// workFrom works until there is nothing to do. done is the task that the actor
// had in hand when it failed, nil if it had none.
func (w *Worker) workFrom(done *Cell) {
	if w.router.cfg.Watchdog.Grace > 0 {
		id := goroutine.Current()
		w.router.mu.Lock()
		w.goroutine = id
		w.router.mu.Unlock()
	}
	for parked := false; !parked; {
		parked, done = w.workUntilFailure(done)
	}
}

// workUntilFailure returns when there is nothing to do or the actor has failed
// with the task in hand.
func (w *Worker) workUntilFailure(done *Cell) (parked bool, inHand *Cell) {
	now := w.router.now()
	defer func() {
		if parked {
			return
		}
		value := recover()
		w.fail(value, inHand)
		if value == nil { // a runtime.Goexit, so this goroutine is lost
			go w.workFrom(inHand)
		}
	}()
	for {
		job := w.router.next(w, done, now)
		done = nil
		switch {
		case job.cell != nil:
			for c := job.cell; c != nil; c = w.nextOfBatch(c) {
				inHand = c
				w.work(c)
				done = c
			}
			inHand = nil
			if now = w.clock; !w.lastOfBatch {
				now = w.router.now()
			}
		case job.system != nil:
			w.obey(job.system)
			now = w.router.now()
		case job.mail != nil:
			w.read(job.mail)
			now = w.router.now()
		case job.farewell:
			w.farewell()
			return true, nil
		default:
			return true, nil
		}
	}
}

// work gives the actor a task. A handler's task settles itself; that of a user's
// own actor is done when Receive returns. What the end of the context runs of the user's
// code is part of the work.
func (w *Worker) work(c *Cell) {
	w.settled = false
	w.give(c)
	w.dropContext()
}

func (w *Worker) give(c *Cell) {
	if w.router.cfg.Tracer != nil {
		w.hold.ctx.beginTrace(c)
	}
	if w.router.cfg.Direct {
		c.body.Run(w.hold.ctx)
	} else {
		w.invoker.InvokeUserMessage(c.body.Message())
	}
	if w.settled {
		return
	}
	if w.router.cfg.Handled {
		w.hold.ctx.end(c, messages.Failed, errNotRun)
		return
	}
	w.hold.ctx.end(c, messages.Succeeded, nil)
}

// read gives the actor a message that is not a task.
func (w *Worker) read(message any) {
	w.doing = message
	w.invoker.InvokeUserMessage(message)
	w.doing = nil
}

// obey handles a message of the actor system.
func (w *Worker) obey(message any) {
	switch message.(type) {
	case *actor.ResumeMailbox:
		w.router.suspend(w, false)
		w.restarted()
		return
	case *actor.Stop:
		w.stopping = true
		w.endLastContext()
		w.router.leave(w)
	case *actor.Restart:
		if w.stopping { // it would make Proto.Actor forget the stop
			return
		}
		// Until its children have stopped, it must not get a task. Proto.Actor resumes
		// it then.
		w.restarting = true
		w.router.suspend(w, true)
	}
	w.doing = message
	w.invoker.InvokeSystemMessage(message)
	w.doing = nil
	if _, ok := message.(*actor.Started); ok {
		w.barren.Store(0)
	}
}

// restarted counts a restart that has been completed.
func (w *Worker) restarted() {
	if !w.restarting {
		return
	}
	w.restarting = false
	w.barren.Store(0)
	w.restarts.Add(1)
	w.router.deliver.Tell(w.supervisor, &messages.WorkerRestarted{Pool: w.router.cfg.Name, Worker: w.pid, Reason: w.failure})
	w.failure = nil
}

// fail is called when the actor has panicked, or ended its goroutine if value is
// nil: the waiter of the task in hand is told, then the supervisor.
func (w *Worker) fail(value any, inHand *Cell) {
	w.failure = reasonOf(value)
	reason, doing := w.failure, w.doing
	w.doing = nil
	starting := isStart(doing)
	if inHand != nil {
		doing = inHand.body.Message()
		if w.router.cfg.Handled { // that is the cell itself, which may be another task soon
			doing = inHand.body.Payload()
		}
		if !w.settled { // else it is its context that has panicked
			w.hold.ctx.attemptFailed(inHand, w.router.newPanicError(value, inHand), nil)
		}
		w.hold.ctx.dismiss()
	}
	if w.abandoned.Load() {
		return // its supervisor has given it up already
	}
	if w.stopping {
		w.giveUp()
		return
	}
	w.restarting = false
	if starting {
		w.barren.Add(1)
	}
	deliver.Apart(func() { // it logs the reason, which may be code of the user's
		defer w.surviveEscalation()
		w.invoker.EscalateFailure(reason, doing)
	})
}

func isStart(message any) bool {
	switch message.(type) {
	case *actor.Started, *actor.Restart:
		return true
	default:
		return false
	}
}

func (w *Worker) surviveEscalation() {
	if value := recover(); value != nil { // a guardian with a strategy of its own may panic
		w.router.cfg.Logger.Error("cannot escalate", "pool", w.router.cfg.Name, "worker", w.id, "panic", value)
	}
}

// giveUpName has the worker's supervisor, and Proto.Actor with it, take the worker for
// stopped. Its name is free.
func (w *Worker) giveUpName() {
	w.router.cfg.System.ProcessRegistry.Remove(w.pid)
	w.router.deliver.TellSystem(w.supervisor, &actor.Terminated{Who: w.pid})
}

// giveUp ends a worker whose actor has failed while it was being stopped. Proto.Actor
// would take it for neither alive nor stopped, and its pool with it.
func (w *Worker) giveUp() {
	if w.givenUp {
		return
	}
	w.givenUp = true
	w.router.cfg.Logger.Error("worker failed while stopping", "pool", w.router.cfg.Name, "worker", w.id, "reason", w.failure)
	w.giveUpName()
}

// farewell ends a worker that had been given up and whose handler has returned. For
// Proto.Actor it has ended long ago, and its name may be another's: so its actor is
// told directly. What fails here concerns nobody.
func (w *Worker) farewell() {
	w.stopping, w.givenUp, w.dismissed = true, true, true
	w.read(&actor.Stopping{})
	for _, child := range w.invoker.(actor.Context).Children() {
		w.router.cfg.System.Root.Stop(child)
	}
	w.read(&actor.Stopped{})
}
