package workload

import (
	"runtime"
	"strconv"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

const (
	sendTasks  = 200_000
	sendBurst  = 4096
	sendBursts = 16
	sendKeys   = 1024
)

const steadyState = "The allocations are those of the steady state: a further " +
	"16 bursts of 4,096 messages, each sent when the one before has been received. What Proto.Actor allocates to wake" +
	" the senders' own actors is not counted."

// Send sends one message over and over to a pool of the user's own actors.
func Send(e Env) (*report.Section, error) {
	s := sendRow{env: e, name: "send", contenders: contender.Routers(), messages: []any{new(contender.Plain)}}
	section := &report.Section{
		Title: "A message sent to a pool of actors",
		Text: "Workers × senders. The message is one pointer, allocated beforehand, and the workers are the user's own actors." +
			" Troupe's queue is unbounded here, as Proto.Actor's is, since a send by an actor never blocks: a bounded queue" +
			" would reject a flood. " + steadyState,
	}
	cells, err := s.measure(section, contender.NameProtoActor)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{
		contender.NameRoundRobin, contender.NameRandom, contender.NameLeastBusy, contender.NameCustom,
	} {
		section.Targets = append(section.Targets,
			held(name+", by Proto.Actor's round-robin pool", by(cells, name, contender.NameProtoActor), 0.7, 1.2)...)
		section.Targets = append(section.Targets,
			noAllocations(name+", allocations a message", mostAllocations(cells, name)))
	}
	return section, nil
}

// Hash sends messages with keys to a pool that hashes them.
func Hash(e Env) (*report.Section, error) {
	s := sendRow{env: e, name: "hash", contenders: contender.HashRouters()}
	for i := range sendKeys {
		s.messages = append(s.messages, &contender.Keyed{Key: "key-" + strconv.Itoa(i)})
	}
	section := &report.Section{
		Title: "A message with a key sent to a pool of actors",
		Text: "Consistent hashing, workers × senders. The messages are pointers with a method Hash, allocated beforehand," +
			" one for each of 1,024 keys. Both queues are unbounded. " + steadyState,
	}
	cells, err := s.measure(section, contender.NameProtoHash)
	if err != nil {
		return nil, err
	}
	section.Targets = append(
		held("by Proto.Actor's consistent-hash pool", by(cells, contender.NameHash, contender.NameProtoHash), 0.5, 1),
		noAllocations("allocations a message", mostAllocations(cells, contender.NameHash)))
	return section, nil
}

// A sendRow compares pools of actors, from outside and from actors.
type sendRow struct {
	env        Env
	name       string
	contenders []contender.ActorContender
	messages   []any
}

// measure adds the tables to the section and returns the cells of both kinds of sender.
func (s sendRow) measure(section *report.Section, base string) ([]cell, error) {
	var all []cell
	for _, kind := range []struct {
		name string
		from from
	}{{"from outside", outside}, {"from actors", inside}} {
		cells, err := eachShape(func(shape shape) (*measure.Comparison, error) {
			s.env.Log("%s %s: %v", s.name, kind.name, shape)
			trial := sendTrial{shape: shape, from: kind.from, messages: s.messages, tasks: s.env.scale(sendTasks)}
			return compareActors(s.env.Runs, s.contenders, trial.run)
		})
		if err != nil {
			return nil, err
		}
		section.Tables = append(section.Tables,
			medians("ns a message, "+kind.name, cells, measure.Nanoseconds),
			byBase("Time by that of "+base+", "+kind.name, cells, base),
			medians("allocations a message, "+kind.name, cells, measure.Allocations))
		all = append(all, cells...)
	}
	return all, nil
}

// compareActors tries pools of actors by rounds.
func compareActors(
	runs int, contenders []contender.ActorContender, trial func(contender.ActorContender) (measure.Sample, error),
) (*measure.Comparison, error) {
	var names []string
	byName := make(map[string]contender.ActorContender, len(contenders))
	for _, c := range contenders {
		names = append(names, c.Name)
		byName[c.Name] = c
	}
	return measure.Compare(runs, names, func(name string) (measure.Sample, error) {
		return trial(byName[name])
	})
}

// A sendTrial sends a number of messages to one pool.
type sendTrial struct {
	shape    shape
	from     from
	messages []any
	tasks    int
}

func (s sendTrial) run(c contender.ActorContender) (measure.Sample, error) {
	count := measure.NewCountdown()
	pool, err := c.Open(s.shape.size, func() actor.Actor { return &receiver{count} })
	if err != nil {
		return nil, err
	}
	senders := s.from(pool, s.shape.senders, s.messages)
	do := func(tasks int) error {
		count.Start(tasks)
		senders.send(tasks)
		return count.Wait()
	}
	if err := do(max(2*s.shape.size, s.tasks/10)); err != nil {
		return nil, err
	}
	sample, err := measure.Timed(s.tasks, func() error { return do(s.tasks) })
	if err != nil {
		return nil, err
	}
	sample[measure.Allocations], err = steady(do, senders.wakes)
	if err != nil {
		return nil, err
	}
	senders.stop()
	return sample, pool.Close()
}

// steady counts the allocations a message when no backlog grows any more.
func steady(do func(tasks int) error, wakes func() int64) (float64, error) {
	var before, after runtime.MemStats
	woken := wakes()
	runtime.ReadMemStats(&before)
	for range sendBursts {
		if err := do(sendBurst); err != nil {
			return 0, err
		}
	}
	runtime.ReadMemStats(&after)
	woken = wakes() - woken
	return float64(int64(after.Mallocs-before.Mallocs)-woken) / (sendBursts * sendBurst), nil
}

// A receiver is a worker that counts what it receives.
type receiver struct{ count *measure.Countdown }

// Receive counts a message.
func (r *receiver) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *contender.Plain, *contender.Keyed:
		r.count.Done()
	}
}
