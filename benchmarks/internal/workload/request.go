package workload

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

const (
	requestTasks = 100_000
	inFlight     = 16

	roundRobinTask = "Troupe, round-robin, task → result"
	leastBusyTask  = "Troupe, least-busy, task → result"
)

// A responder is a pool and the message that it responds to.
type responder struct {
	contender.ActorContender
	message any
}

// responders are the pools that actors ask.
func responders() []responder {
	plain := new(contender.Plain)
	task := &messages.Task{Payload: plain}
	return []responder{
		{contender.TroupeActors(contender.NameRoundRobin, router.RoundRobin()), plain},
		{contender.TroupeActors(contender.NameLeastBusy, router.LeastBusy()), plain},
		{contender.TroupeHandler(roundRobinTask, router.RoundRobin()), task},
		{contender.TroupeHandler(leastBusyTask, router.LeastBusy()), task},
		{contender.ProtoActorPool(), plain},
	}
}

// Request has actors send requests and count the responses.
func Request(e Env) (*report.Section, error) {
	contenders := make([]contender.ActorContender, 0, len(responders()))
	message := make(map[string]any)
	for _, r := range responders() {
		contenders = append(contenders, r.ActorContender)
		message[r.Name] = r.message
	}
	cells, err := eachShape(func(s shape) (*measure.Comparison, error) {
		e.Log("request: %v", s)
		return compareActors(e.Runs, contenders, func(c contender.ActorContender) (measure.Sample, error) {
			return requestTrial{shape: s, message: message[c.Name], tasks: e.scale(requestTasks), window: inFlight, worker: respond}.run(c)
		})
	})
	if err != nil {
		return nil, err
	}
	section := &report.Section{
		Title: "Requests of actors",
		Text: fmt.Sprintf("Workers × requesters, each with %d requests in flight. A worker of the user's own responds with the"+
			" message, a pointer. A task is a *messages.Task sent to a pool with a handler, which answers with a"+
			" *messages.Result that has all of its fields filled in; it is compared with the same plain requests of"+
			" Proto.Actor's pool. Queues have their defaults. The allocations are those beyond the requester's own: the envelope of"+
			" its request, and one for each goroutine that is started, since Proto.Actor starts one to wake a mailbox.", inFlight),
		Tables: []report.Table{
			medians("ns a request", cells, measure.Nanoseconds),
			byBase("Time by that of "+contender.NameProtoActor, cells, contender.NameProtoActor),
			medians("allocations a request", cells, measure.Allocations),
		},
	}
	for _, name := range []string{contender.NameRoundRobin, contender.NameLeastBusy} {
		section.Targets = append(section.Targets,
			held(name+", message → response", by(cells, name, contender.NameProtoActor), 0.5, 0.9)...)
	}
	for _, name := range []string{roundRobinTask, leastBusyTask} {
		section.Targets = append(section.Targets, held(name, by(cells, name, contender.NameProtoActor), 0.6, 1)...)
		section.Targets = append(section.Targets, report.Target{
			What:     name + ", allocations",
			Limit:    1 + allocsRounding,
			Measured: mostAllocations(cells, name),
		})
	}
	return section, nil
}

// A requestTrial has a number of requesters share the requests.
type requestTrial struct {
	shape   shape
	message any
	tasks   int
	worker  actor.Producer
	window  int // requests of each requester in flight
}

func (r requestTrial) run(c contender.ActorContender) (measure.Sample, error) {
	pool, err := c.Open(r.shape.size, r.worker)
	if err != nil {
		return nil, err
	}
	var (
		wrong atomic.Pointer[error]
		count = measure.NewCountdown()
		root  = pool.System.Root
	)
	props := actor.PropsFromProducer(func() actor.Actor {
		return &requester{pool: pool.PID, message: r.message, window: r.window, count: count, wrong: &wrong}
	})
	s := &senders{}
	for range r.shape.senders {
		pid, order := root.Spawn(props), new(order)
		s.starts = append(s.starts, func(share int) {
			order.share = share
			root.Send(pid, order)
		})
	}
	do := func(tasks int) error {
		count.Start(tasks)
		s.send(tasks)
		if err := count.Wait(); err != nil {
			return err
		}
		if err := wrong.Load(); err != nil {
			return *err
		}
		return nil
	}
	if err := do(max(2*r.shape.size, r.tasks/10)); err != nil {
		return nil, err
	}
	started := measure.Goroutines()
	sample, err := measure.Timed(r.tasks, func() error { return do(r.tasks) })
	if err != nil {
		return nil, err
	}
	started = measure.Goroutines() - started
	sample[measure.Allocations] -= 1 + float64(started)/float64(r.tasks)
	return sample, pool.Close()
}

func respond() actor.Actor { return responding{} }

// responding is a worker that responds with what it receives.
type responding struct{}

// Receive responds.
func (responding) Receive(ctx actor.Context) {
	if m, ok := ctx.Message().(*contender.Plain); ok {
		ctx.Respond(m)
	}
}

// A requester keeps a number of requests in flight until it has sent its share.
type requester struct {
	pool    *actor.PID
	message any
	window  int
	left    int // not sent yet
	count   *measure.Countdown
	wrong   *atomic.Pointer[error]
}

// Receive sends the next request for each response.
func (r *requester) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *order:
		first := min(m.share, r.window)
		r.left = m.share - first
		for range first {
			ctx.Request(r.pool, r.message)
		}
		return
	case *contender.Plain:
	case *messages.Result:
		if !contender.Filled(m) {
			err := errors.Join(fmt.Errorf("bad result: %+v", *m), m.Err)
			r.wrong.CompareAndSwap(nil, &err)
		}
	default:
		return
	}
	if r.left > 0 {
		r.left--
		ctx.Request(r.pool, r.message)
	}
	r.count.Done()
}
