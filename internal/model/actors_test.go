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
	}
}

func (p *performer) perform(ctx actor.Context, payload int) {
	r, worker := p.runner, ctx.Self().Id
	n := r.copyOf(payload, worker)
	attempt := r.begun(n, worker)
	r.note(func() { r.hands[worker] = n })
	defer func() {
		r.note(func() { delete(r.hands, worker) })
		r.ended(n)
	}()
	time.Sleep(r.script.span(r.tasks[n].run, n, ofRun, attempt))
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
