package model_test

import (
	"context"
	"runtime"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/directory"
	"github.com/troupe-go/troupe/messages"
)

// A subject is the pool that a script is carried out with.
type subject interface {
	PID() *actor.PID
	Stats() messages.Stats // also after its end
	Pause()
	Resume()
	Resize(ctx context.Context, size int) error
	Done() <-chan struct{}
}

var (
	_ subject = (*actors.Pool[int, int])(nil)
	_ subject = (*actorPool)(nil)
)

// An actorPool is a pool of user actors, which is controlled by messages.
type actorPool struct {
	directory.Pool // for the statistics, also after its end
	pid            *actor.PID
	root           *actor.RootContext
	ended          <-chan struct{}
}

func newActorPool(parent actor.Context, r *runner, ended <-chan struct{}, options []actors.Option) (*actorPool, error) {
	props := actors.PropsFromProducer(func() actor.Actor { return &performer{runner: r} }, options...)
	pid, err := parent.SpawnNamed(props, "pool")
	if err != nil {
		return nil, err
	}
	system := parent.ActorSystem()
	return &actorPool{directory.Pools(system)[0], pid, system.Root, ended}, nil
}

func (p *actorPool) PID() *actor.PID       { return p.pid }
func (p *actorPool) Pause()                { p.root.Send(p.pid, &messages.Pause{}) }
func (p *actorPool) Resume()               { p.root.Send(p.pid, &messages.Resume{}) }
func (p *actorPool) Done() <-chan struct{} { return p.ended }

// Resize returns ErrPoolStopped if the pool is gone.
func (p *actorPool) Resize(_ context.Context, size int) error {
	answer, err := p.root.RequestFuture(p.pid, &messages.Resize{Size: size}, time.Hour).Result()
	if err != nil {
		return messages.ErrPoolStopped
	}
	if result, ok := answer.(*messages.Result); ok {
		return result.Err
	}
	return nil
}

// An order is a plain message, with the number of its task.
type order int

// A reply is what a performer responds.
type reply struct {
	task   int
	worker string
}

// A performer is a worker that is a user actor.
type performer struct{ runner *runner }

func (p *performer) Receive(ctx actor.Context) {
	switch message := ctx.Message().(type) {
	case order:
		p.perform(ctx, int(message))
	case *messages.Task:
		if message.ID != strconv.Itoa(message.Payload.(int)) {
			p.runner.fault("task not as it was sent: %+v", message)
		}
		p.perform(ctx, message.Payload.(int))
	case func(actor.Context):
		message(ctx)
	}
}

func (p *performer) perform(ctx actor.Context, payload int) {
	r, worker := p.runner, ctx.Self().Id
	n := r.copyOf(payload, worker)
	attempt := r.begun(n, worker)
	r.note(func() { r.hands[worker] = n })
	over := func() {
		r.note(func() {
			if r.hands[worker] == n { // else it has the next task already
				delete(r.hands, worker)
			}
		})
		r.ended(n)
	}
	run := r.script.span(r.tasks[n].run, n, ofRun, attempt)
	if r.tasks[n].held {
		h := &holding{r, actors.Hold(ctx), ctx.Self(), ctx.Sender(), payload, n, attempt}
		go func() {
			h.await(run)
			over()
			h.end()
		}()
		return
	}
	defer over()
	time.Sleep(run)
	if err := r.failure(n, attempt); err != nil {
		actors.Fail(ctx, err)
		return
	}
	switch r.tasks[n].ending(attempt) {
	case endPanic:
		panic(errPanic)
	case endKill:
		panic(errKill)
	case endGoexit:
		runtime.Goexit()
	case endSelfStop:
		ctx.Stop(ctx.Self())
	}
	ctx.Respond(reply{payload, worker})
}

// A holding is a task that a performer holds.
type holding struct {
	runner            *runner
	held              *actors.Held
	worker, sender    *actor.PID
	payload, n, tried int
}

// await returns after the given time, or when the task is settled.
func (h *holding) await(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-h.held.Context().Done():
	}
}

// end ends the attempt, unless it is over. Even tasks are answered by a goroutine, the others
// by the worker.
func (h *holding) end() {
	r := h.runner
	if h.held.Context().Err() != nil {
		return
	}
	if err := r.failure(h.n, h.tried); err != nil {
		h.held.Done(err)
		return
	}
	tell := func(f func(actor.Context)) { r.root.Send(h.worker, f) }
	answer := reply{h.payload, h.worker.Id}
	switch how := r.tasks[h.n].ending(h.tried); {
	case how == endRestart:
		tell(func(actor.Context) { panic(errPanic) })
	case how == endReplace && h.n%2 == 0:
		tell(func(actor.Context) { panic(errKill) })
	case how == endReplace:
		r.root.Stop(h.worker)
	case h.n%2 == 0:
		r.root.Send(h.sender, answer)
		h.held.Done(nil)
	default:
		tell(func(ctx actor.Context) {
			ctx.Send(h.sender, answer)
			h.held.Done(nil)
		})
	}
}
