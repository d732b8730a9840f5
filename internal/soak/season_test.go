package soak_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

const producerCount = 8

// fixture is where a season is played.
type fixture struct {
	*count
	t      *testing.T
	root   *actor.RootContext
	pool   *actors.Pool[deedOf, int]
	left   atomic.Int64 // tasks to be submitted
	client *client
	states *states // nil: the workers have none
	hooks  hooks

	journal  *journal.Journal
	read     int64                      // the number of its last entry that has been read
	recorded map[messages.Outcome]int64 // by the entries so far, but for those of attempts that were retried
	crowd    *actor.PID                 // gets the results of broadcasts
}

func (s *season) run(t *testing.T, tasks int) *count {
	system := pooltest.System()
	listenBadly(system)
	st := &fixture{count: newCount(), t: t, root: system.Root, recorded: make(map[messages.Outcome]int64)}
	st.left.Store(int64(tasks))
	st.hooks.counters = make(chan [2]*atomic.Int32, tasks)
	if s.states {
		st.states = &states{st: st}
	}
	mood := new(changeable)
	stopParent := st.spawnPool(append(slices.Clone(s.options), actors.WithSupervision(badStrategy{mood})))
	st.journal = pooltest.AttachJournal(st.root, journal.Options{Keep: journalKeep, Payload: badFormat})
	st.client = newClient(st)
	st.crowd = st.root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if result, ok := ctx.Message().(*messages.Result); ok {
			st.result(result)
		}
	}))

	over := make(chan struct{})
	var producers, others sync.WaitGroup
	for n := range producerCount {
		producers.Go(func() { st.produce(n) })
	}
	others.Go(func() { st.chaos(mood, over) })
	others.Go(func() { st.watch(over) })
	if s.early {
		for st.left.Load() > int64(tasks/20) {
			time.Sleep(time.Millisecond) // nothing tells; it is the producers' progress that counts
		}
		s.end(t, st.pool, stopParent)
	}
	producers.Wait()
	close(over)
	others.Wait()
	st.pool.Resume()
	if !s.early {
		s.end(t, st.pool, stopParent)
	}
	<-st.pool.Done()
	stopParent()
	st.client.wait()
	assert.NoError(t, st.root.PoisonFuture(st.crowd).Wait())
	st.check()
	return st.count
}

// spawnPool makes the pool a child of an actor and returns how to stop that.
func (st *fixture) spawnPool(options []actors.Option) (stopParent func()) {
	var once sync.Once
	spawned := make(chan error, 1)
	parent := st.root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); ok {
			var err error
			if st.states != nil {
				st.pool, err = actors.NewPoolOf(ctx, st.states.produce, options...)
			} else {
				st.pool, err = actors.NewPool(ctx, perform, options...)
			}
			spawned <- err
		}
	}))
	require.NoError(st.t, <-spawned)
	return func() { once.Do(func() { assert.NoError(st.t, st.root.StopFuture(parent).Wait()) }) }
}

// changeable is a strategy that is another from time to time.
type changeable struct{ mood atomic.Int32 }

func (c *changeable) HandleFailure(
	system *actor.ActorSystem, s actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, reason, message any,
) {
	strategies := []actor.SupervisorStrategy{
		supervisor.OneForOne(),
		supervisor.Backoff{Min: 100 * time.Microsecond, Max: time.Millisecond, Jitter: 1},
		supervisor.OneForOne(supervisor.Decider(func(error) actor.Directive { return actor.StopDirective })),
		supervisor.OneForOne(supervisor.Decider(func(error) actor.Directive { return actor.ResumeDirective })),
		supervisor.AllForOne(),
	}
	strategies[int(c.mood.Load())%len(strategies)].HandleFailure(system, s, child, rs, reason, message)
}

// produce submits tasks, in every way, until there are none left.
func (st *fixture) produce(producer int) {
	for i := 0; st.left.Add(-1) >= 0; i++ {
		f := drawFault()
		st.inject(faultNames[f])
		d := newDeed(f)
		options := []actors.TaskOption{
			actors.Key(strconv.Itoa(rand.N(20))), actors.Priority(rand.N(3)), actors.Timeout(d.timeout()),
		}
		if rand.N(10) == 0 {
			options = append(options, actors.NoWait())
		}
		switch way := (producer + i) % 9; {
		case f == isCanceled || way == 0:
			st.submitAndWait(d, options)
		case way == 1 && f == namesOutcome: // a context that ends meanwhile would make its error ambiguous
			st.ask(context.Background(), d, options)
		case way == 1:
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+rand.N(50))*time.Millisecond)
			st.ask(ctx, d, options)
			cancel()
		case way == 2:
			st.client.request(d)
		case way == 3:
			for _, err := range st.pool.Map(context.Background(), slices.Values([]deedOf{d, newDeed(noFault)}), options...) {
				st.answered(err)
			}
		case way == 4:
			st.each(d, options)
		case way == 5:
			st.group(d, options)
		case way == 6:
			st.submitBound(d, options)
		case way == 7:
			ctx, cancel := st.patience()
			st.submittedUnheard(st.pool.Tell(ctx, d, append(options, actors.CancelWithContext())...))
			if rand.N(10) > 0 {
				time.AfterFunc(time.Millisecond, cancel)
			} else {
				cancel()
			}
		default:
			st.submittedUnheard(st.pool.Tell(context.Background(), d, options...))
		}
	}
}

func (st *fixture) submitAndWait(d deedOf, options []actors.TaskOption) {
	future, err := st.pool.Submit(context.Background(), d, options...)
	if !st.submitted(err) {
		return
	}
	if d.fault == isCanceled {
		future.Cancel()
	}
	_, err = future.Wait(context.Background())
	st.hear(outcomeOfError(err))
	_, again := future.Wait(context.Background())
	assert.Equal(st.t, err, again, "resolved once")
}

func (st *fixture) ask(ctx context.Context, d deedOf, options []actors.TaskOption) {
	_, err := st.pool.Ask(ctx, d, options...)
	st.answered(err)
}

func (st *fixture) result(r *messages.Result) {
	if r.Outcome == messages.Rejected {
		st.submitted(r.Err)
		return
	}
	st.submitted(nil)
	st.hear(r.Outcome)
}

// answered notes a task whose submission and outcome are one answer.
func (st *fixture) answered(err error) {
	o := outcomeOfError(err)
	if o == messages.Rejected {
		st.submitted(err)
		return
	}
	st.submitted(nil)
	st.hear(o)
}

// outcomeOfError is the outcome that an error of Ask, or of a future, stands for.
func outcomeOfError(err error) messages.Outcome {
	switch outcome := pooltest.OutcomeOf(err); {
	case outcome == messages.Dropped, outcome == messages.Quarantined, outcome == messages.Canceled:
		return outcome // they may wrap what is a rejection otherwise
	case errors.Is(err, messages.ErrQueueFull), errors.Is(err, messages.ErrPoolStopped),
		errors.Is(err, messages.ErrNoWorkers), errors.Is(err, messages.ErrDeadlock):
		return messages.Rejected // also if the task timed out while it waited for room
	case err == context.DeadlineExceeded: // wrapped it would be the reason of an outcome
		return messages.Rejected // before it was submitted
	default:
		return outcome
	}
}

// chaos disturbs the pool until it is over.
func (st *fixture) chaos(mood *changeable, over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		case <-time.After(time.Duration(rand.N(1500)) * time.Microsecond):
		}
		switch rand.N(7) {
		case 0, 1:
			st.inject("resize")
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			_ = st.pool.Resize(ctx, 1+rand.N(12)) // the autoscaler, or a stop, may refuse it
			cancel()
		case 2:
			st.inject("pause")
			st.pool.Pause()
			time.Sleep(time.Duration(rand.N(1000)) * time.Microsecond)
			st.pool.Resume()
		case 3:
			if workers := st.pool.Stats().Workers; len(workers) > 0 {
				st.inject("worker stopped")
				st.root.Stop(st.root.ActorSystem().NewLocalPID(workers[rand.N(len(workers))].ID))
			}
		case 4:
			st.inject("strategy changed")
			mood.mood.Add(1)
		case 5:
			if tasks := st.pool.Quarantine(); len(tasks) > 0 {
				st.inject("requeue")
				_, err := st.pool.Requeue(tasks[rand.N(len(tasks))].Number)
				if !errors.Is(err, messages.ErrNotQuarantined) { // else it has been forgotten since
					st.submittedUnheard(err)
				}
				st.pool.DeleteQuarantined(tasks[0].Number)
			}
		default:
			st.inject("broadcast")
			st.root.RequestWithCustomSender(st.pool.PID(), &messages.Broadcast{Message: newDeed(noFault)}, st.crowd)
		}
	}
}

// watch takes snapshots, in each of which the ledger must hold.
func (st *fixture) watch(over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		case <-time.After(200 * time.Microsecond):
			st.readJournal()
			stats := st.pool.Stats()
			if !assert.True(st.t, stats.Balanced(), "%+v", stats) || !assert.GreaterOrEqual(st.t, stats.Running, int64(0)) {
				return
			}
		}
	}
}

// check compares what the pool says with what producers have heard.
func (st *fixture) check() {
	t := st.t
	st.stats = st.pool.Stats()
	s := &st.stats
	assert.True(t, s.Balanced(), "%+v", s)
	assert.Zero(t, s.Queued+s.Running)
	assert.Equal(t, st.accepted, s.Submitted)
	assert.Equal(t, st.rejected, s.Rejected)
	heard := int64(0)
	for _, f := range ledgerFields(s) {
		if f.outcome != 0 {
			assert.LessOrEqual(t, st.told[f.outcome], *f.n, "tasks that %s", f.name)
			heard += st.told[f.outcome]
		}
	}
	assert.Equal(t, st.accepted, heard+st.unheard, "every waiter has heard, once")
	st.checkJournal()
	assert.Eventually(t, func() bool { return st.pool.Stats().Abandoned == 0 }, 10*time.Second, time.Millisecond,
		"abandoned handlers have returned")
	st.hooks.check(st)
	if st.states != nil {
		st.states.check()
	}
}

// journalKeep is more than comes into the journal while its reader looks away.
const journalKeep = 50_000

// readJournal counts what has been entered into the journal.
func (st *fixture) readJournal() {
	entries, last, missed := st.journal.Since(st.read)
	assert.Zero(st.t, missed, "entries of the journal")
	st.read = last
	for i := range entries {
		if e := &entries[i]; !e.Again {
			st.recorded[e.Outcome]++
		}
		assert.Equal(st.t, entries[i].Outcome == messages.Succeeded, entries[i].Err == nil)
		assert.GreaterOrEqual(st.t, min(entries[i].Wait, entries[i].Run), time.Duration(0))
	}
}

// checkJournal compares the journal with the ledger: but for successes, of which there
// may be too many to enter, each outcome is in both.
func (st *fixture) checkJournal() {
	assert.Eventually(st.t, func() bool {
		st.readJournal()
		for _, f := range ledgerFields(&st.stats) {
			if f.outcome > messages.Succeeded && st.recorded[f.outcome] != *f.n {
				return false
			}
		}
		return true
	}, 10*time.Second, time.Millisecond, "the journal, %v, and the ledger, %+v, differ", st.recorded, &st.stats)
	assert.LessOrEqual(st.t, st.recorded[messages.Succeeded], st.stats.Succeeded)
}
