package workload

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
	"github.com/troupe-go/troupe/router"
)

// maxHeld is how many tasks a worker may hold here: more than it ever has.
const maxHeld = 1024

// A holder is a way to answer later, from a message of the worker to itself.
type holder struct {
	contender.ActorContender
	worker actor.Producer
}

// holders returns, for a dispatch, the pool whose workers answer later without holding their
// tasks, and those whose workers hold them.
func holders(name string, dispatch router.Dispatch) (plain holder, others []holder) {
	open := func(how string, worker actor.Producer, options ...actors.Option) holder {
		return holder{contender.TroupeActors(name+", "+how, dispatch, options...), worker}
	}
	return open("not held", func() actor.Actor { return &later{} }), []holder{
		open("held", func() actor.Actor { return &later{holds: true} }, actors.WithMaxHeld(maxHeld)),
		open("held one at a time", func() actor.Actor { return &later{holds: true} }),
	}
}

// Hold compares workers that hold their tasks with workers that do the same and do not.
func Hold(e Env) (*report.Section, error) {
	section := &report.Section{
		Title: "Held tasks",
		Text: fmt.Sprintf("Troupe alone: workers × requesters, each with %d requests in flight. A worker of the user's own sends"+
			" a message to itself for each request, and responds when it gets that message. In between it holds the task, or"+
			" does not: then the task counts as done too early. Workers may hold %d tasks, or one, which is the default: then"+
			" they get no other task meanwhile.", inFlight, maxHeld),
	}
	for _, kind := range []struct {
		name     string
		dispatch router.Dispatch
	}{{contender.NameRoundRobin, router.RoundRobin()}, {contender.NameLeastBusy, router.LeastBusy()}} {
		plain, others := holders(kind.name, kind.dispatch)
		contenders := []contender.ActorContender{plain.ActorContender}
		workers := map[string]actor.Producer{plain.Name: plain.worker}
		for _, h := range others {
			contenders = append(contenders, h.ActorContender)
			workers[h.Name] = h.worker
		}
		cells, err := eachShape(func(s shape) (*measure.Comparison, error) {
			e.Log("hold: %s, %v", kind.name, s)
			return compareActors(e.Runs, contenders, func(c contender.ActorContender) (measure.Sample, error) {
				message := new(contender.Plain)
				return requestTrial{shape: s, message: message, tasks: e.scale(requestTasks), window: inFlight, worker: workers[c.Name]}.run(c)
			})
		})
		if err != nil {
			return nil, err
		}
		section.Tables = append(section.Tables,
			medians("ns a request", cells, measure.Nanoseconds),
			byBase("Time by that of tasks that are not held", cells, plain.Name),
			medians("allocations a request", cells, measure.Allocations),
		)
		section.Targets = append(section.Targets, held(others[0].Name+", by not held", by(cells, others[0].Name, plain.Name), 1.3, 1.3)...)
	}
	return section, nil
}

// A later is a worker that responds in a message to itself.
type later struct {
	holds   bool
	waiting []waiting
}

// A waiting is a request that has not been answered.
type waiting struct {
	message *contender.Plain
	sender  *actor.PID
	task    *actors.Held // nil: the worker does not hold it
}

// answerNext is the message to itself.
type answerNext struct{}

// Receive answers the oldest request when the worker has told itself to.
func (w *later) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *contender.Plain:
		next := waiting{message: m, sender: ctx.Sender()}
		if w.holds {
			next.task = actors.Hold(ctx)
		}
		w.waiting = append(w.waiting, next)
		ctx.Send(ctx.Self(), answerNext{})
	case answerNext:
		next := w.waiting[0]
		w.waiting = w.waiting[1:]
		ctx.Send(next.sender, next.message)
		if next.task != nil {
			next.task.Done(nil)
		}
	}
}
