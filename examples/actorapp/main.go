// Actorapp is an application made of actors, with two pools among them. Run it:
//
//	go run ./examples/actorapp
//
// Look at four things. The application actor spawns its pools like any other
// children: one with workers that are actors of its own, one with a function. It
// sends them *messages.Task by Request; from the first it hears what the workers
// respond, from the second a *messages.Result, and from both a *messages.Result
// when a task failed. A worker that panics is restarted by the strategy that was
// plugged in, and its siblings go on. Another actor watches the pools and hears
// when they have stopped.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/eventstream"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

var pages = []string{"to be or not to be", "that is the question", inkblot, "whether tis nobler"}

const inkblot = "\x00"

var errInkblot = errors.New("a page that nobody can read")

// counter is a worker of the first pool: an actor like any other. It may keep
// state from task to task, which a restart begins anew.
type counter struct{ read int }

// counted is what a counter responds.
type counted struct {
	Task  string
	Words int
}

func (c *counter) Receive(ctx actor.Context) {
	task, ok := ctx.Message().(*messages.Task)
	if !ok {
		return
	}
	page := task.Payload.(string)
	if page == inkblot {
		panic(errInkblot)
	}
	c.read++
	ctx.Respond(&counted{Task: task.ID, Words: len(strings.Fields(page))})
}

// shout is the handler of the second pool.
func shout(_ context.Context, page string) (string, error) {
	if page == inkblot {
		return "", errInkblot
	}
	return strings.ToUpper(page), nil
}

// strategy restarts a worker that could not read a page, but not more than three
// times a minute. After any other panic it stops the worker, and the pool replaces
// it.
func strategy() actor.SupervisorStrategy {
	return supervisor.OneForOne(
		supervisor.Restarts(3, time.Minute),
		supervisor.Decider(func(err error) actor.Directive {
			if errors.Is(err, errInkblot) {
				return actor.RestartDirective
			}
			return actor.StopDirective
		}),
	)
}

// app is the application. It is done when it has heard of every page from both
// pools and of the one restart.
type app struct {
	watcher *actor.PID

	events             *eventstream.Subscription
	counters, shouters *actor.PID
	lines              []string // what it heard, in no order
	restarted          bool
	stopped            int // pools
}

func (a *app) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		a.start(ctx)
	case *counted:
		a.heard(ctx, fmt.Sprintf("%s: %d words", msg.Task, msg.Words))
	case *messages.Result:
		a.heard(ctx, describe(msg))
	case *messages.WorkerRestarted:
		a.restarted = true
		a.proceed(ctx)
	case *messages.Stats:
		if msg.Running > 0 { // a worker has responded but not returned from Receive
			ctx.Request(a.counters, &messages.GetStats{})
			return
		}
		fmt.Printf("stats: %d tasks = %d succeeded + %d panicked; %d workers, %d restarted\n",
			msg.Submitted, msg.Succeeded, msg.Panicked, msg.Size, msg.Restarts)
		ctx.Poison(a.counters) // finishes what it has accepted, then stops
		ctx.Poison(a.shouters)
	case *actor.Terminated:
		// A parent hears of its children's end once, without watching them.
		if a.stopped++; a.stopped == 2 {
			ctx.Stop(ctx.Self())
		}
	case *actor.Stopping:
		ctx.ActorSystem().EventStream.Unsubscribe(a.events)
	}
}

func (a *app) start(ctx actor.Context) {
	// Events have no addressee: who wants them subscribes.
	root, self := ctx.ActorSystem().Root, ctx.Self()
	a.events = ctx.ActorSystem().EventStream.SubscribeWithPredicate(
		func(event any) { root.Send(self, event) },
		func(event any) bool { _, ok := event.(*messages.WorkerRestarted); return ok },
	)

	a.counters = ctx.Spawn(actors.PropsFromProducer(
		func() actor.Actor { return &counter{} },
		actors.WithName("counters"),
		actors.WithSize(2),
		actors.WithSupervision(strategy()),
	))
	a.shouters = ctx.Spawn(actors.PropsFromHandler(
		shout,
		actors.WithName("shouters"),
		actors.WithSize(2),
	))
	ctx.Send(a.watcher, &watch{name: "counters", pool: a.counters})
	ctx.Send(a.watcher, &watch{name: "shouters", pool: a.shouters})

	for i, page := range pages {
		ctx.Request(a.counters, &messages.Task{ID: fmt.Sprint("count ", i+1), Payload: page, Timeout: time.Minute})
		ctx.Request(a.shouters, &messages.Task{ID: fmt.Sprint("shout ", i+1), Payload: page, Priority: i})
	}
}

func describe(r *messages.Result) string {
	if r.Err != nil {
		return fmt.Sprintf("%s: %v: %v", r.TaskID, r.Outcome, r.Err)
	}
	return fmt.Sprintf("%s: %q", r.TaskID, r.Value)
}

func (a *app) heard(ctx actor.Context, line string) {
	a.lines = append(a.lines, line)
	a.proceed(ctx)
}

// proceed asks for the statistics once everything has happened.
func (a *app) proceed(ctx actor.Context) {
	if len(a.lines) < 2*len(pages) || !a.restarted {
		return
	}
	slices.Sort(a.lines)
	for _, line := range a.lines {
		fmt.Println(line)
	}
	ctx.Request(a.counters, &messages.GetStats{})
}

// watch asks a watcher to watch a pool.
type watch struct {
	name string
	pool *actor.PID
}

// watcher watches pools that are not its children.
type watcher struct {
	names map[string]string // by the ID of the pool's PID
	ended chan<- string
}

func (w *watcher) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *watch:
		w.names[msg.pool.Id] = msg.name
		ctx.Watch(msg.pool)
	case *actor.Terminated:
		w.ended <- w.names[msg.Who.Id]
	}
}

func main() {
	system := actor.NewActorSystem(actor.WithLoggerFactory(quiet))
	ended := make(chan string, 2)
	watching := system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor {
		return &watcher{names: make(map[string]string), ended: ended}
	}))
	system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { return &app{watcher: watching} }))

	stopped := []string{<-ended, <-ended}
	slices.Sort(stopped)
	fmt.Println("watcher: stopped:", strings.Join(stopped, ", "))
}

func quiet(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
