package router

import (
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/chain"
	"github.com/troupe-go/troupe/internal/deadline"
	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/internal/meter"
	"github.com/troupe-go/troupe/internal/queue"
	"github.com/troupe-go/troupe/internal/runners"
	"github.com/troupe-go/troupe/messages"
)

// Config is what a router is made of. Its values have been validated.
type Config struct {
	System      *actor.ActorSystem
	Self        *actor.PID // the pool's
	Name        string
	Dispatch    Dispatch
	Capacity    int // tasks that may wait beyond those a free worker is about to take
	Overflow    Overflow
	TaskTimeout time.Duration // for tasks that name none; 0: none
	Logger      *slog.Logger
	Tracer      Tracer // nil: none

	// What is off unless asked for: the zero value of each.
	Retry         Retry
	Quarantine    Quarantine
	Watchdog      Watchdog
	Breaker       Breaker
	DeadlineCheck bool

	// Handled says that the pool has a handler, Direct that nothing comes between
	// it and the mailbox, so that the mailbox may run it itself.
	Handled, Direct bool
	// Worker returns the props of a worker that has the given dispatcher unless the
	// user chose another. Its mailbox is added to them.
	Worker func(actor.Dispatcher) *actor.Props
	// NewCells makes some cells for Router.Tell, which need no Init; nil if that is not
	// used.
	NewCells func() []*Cell
	// Work is called by New, and returns what Context.Work does; nil: nothing.
	Work func(*Router) any
	// Accept makes a task of a message that an actor sent, or says why it cannot.
	// task is nil unless that is what was sent.
	Accept func(envelope any, task *messages.Task, sender *actor.PID) (*Cell, error)
	// Adopt returns the props of a worker that stands for a foreign actor; nil if
	// the pool's tasks cannot be given to one.
	Adopt func(foreign *actor.PID) *actor.Props
}

// idleRunners is how many idle goroutines a pool keeps for each processor. More
// workers than that seldom become busy at once when tasks are short, and when
// they are long a new goroutine costs little beside them.
const idleRunners = 16

// A phase says whether a pool takes tasks. Phases only go up.
type phase int8

const (
	open     phase = iota
	draining       // refuses new tasks, finishes the accepted ones
	closed         // has dropped what was queued and canceled what ran
)

// A Router is the data plane of a pool: it admits tasks, keeps the queues, gives
// workers their tasks and keeps the ledger. All its methods are safe for
// concurrent use.
//
// A task goes from [Router.Submit] or [Router.Tell] (admission: submit.go) through the shared
// queue or a worker's own (queues.go) to the worker that takes it (take.go) and
// to its outcome (settle.go).
//
// Nothing is told to anyone, and no worker is woken, while mu is held: the
// functions that end in Locked add to an after, which is run when mu is free.
type Router struct {
	cfg     Config
	picker  picker // its methods need mu; nil: late binding, LeastBusy
	work    any
	epoch   time.Time
	meter   *meter.Meter
	runners *runners.Dispatcher // of the workers, unless their props say otherwise
	deliver deliver.Deliverer

	routees   atomic.Pointer[[]*Worker]           // those that take tasks, in dispatch order; immutable
	choice    atomic.Pointer[[]*Worker]           // those of them that are dispatched among; immutable
	lost      atomic.Int64                        // workers that are gone for good
	ended     atomic.Bool                         // the pool has stopped
	rejected  [messages.Reasons + 1]atomic.Int64  // by the reason
	journals  atomic.Pointer[[]*journal.Journal]  // immutable; nil: none
	waiting   atomic.Bool                         // waiters is not empty; written under mu
	inCallers [messages.Outcomes + 1]atomic.Int64 // outcomes of tasks that ran in their callers

	_ [64]byte // keeps what follows off the cache lines of the fields above

	// All below is guarded by mu. What every submission changes comes first, and lies
	// together: on the way to another processor, each cache line costs as much as all
	// the rest.
	mu        sync.Mutex
	clock     int64 // the last time that was read
	submitted int64
	spares    spares // cells for Tell
	unstamped int32  // tasks accepted since the clock was read
	phase     phase
	paused    bool
	short     bool // the last tasks of the worker that took one last were
	brief     bool // likewise
	waking    bool // one worker is on its way from idle to the shared queue
	shared    queue.Queue[Cell]

	able     int                  // workers that could take a task now; those on their way included
	promised int                  // able workers with tasks of their own: the first of each is as good as taken
	held     int                  // tasks of the workers' batches, by the last count: never too few
	idle     chain.Chain[*Worker] // parked workers that can take a task, longest idle first
	waiters  chain.Chain[*waiter] // submitters that wait for room, in the order they came
	failed   error                // why no task can be accepted while the phase is open; nil if it can

	workers []*Worker          // routees and those that are leaving
	byID    map[string]*Worker // the same, by the IDs of their PIDs
	busy    int                // workers with a task in hand, settled or not
	peak    int                // the largest that busy has been since PeakBusy was called

	sidelined int  // routees that are
	stale     bool // choice is to be brought up to date when it is needed

	delayed queue.Queue[Cell] // tasks that wait for the time of their next attempt
	holders []*Worker         // with a batch, by the last count
	lateAt  int64             // when to look for late batches again
	own     int               // tasks in the workers' own queues

	callers    map[*Cell]*callerRun // tasks that run in their callers
	abandoned  map[*watch]struct{}  // handlers given up that have not returned
	unreported []*watch             // those of them of whom no event has been published
	service    int64                // how long a worker is busy with a task, in the mean of late; kept for DeadlineCheck

	unworked tally // outcomes of tasks that were in no hand then
	departed tally // of workers that are gone
	retries  int64
	restarts int64 // of workers that are gone
	replaced int64
	counters map[string]int64 // reports of workers that are gone, and of callers

	alarms  deadline.Heap[alarm]
	timer   *time.Timer // nil until the first alarm
	timerAt int64       // when timer fires; 0 if it is not set

	blocked int           // handlers that wait for tasks of this pool
	stuck   chan struct{} // closed if none is left that does not; nil: nobody waits
	quiet   chan struct{} // closed when nothing is queued or running; nil: nobody waits for that
	drained []func()      // called then
	before  tally         // all outcomes when the drain or close began

	quarantine quarantine // guards itself
}

// tally counts outcomes, indexed by them.
type tally [messages.Outcomes + 1]int64

func (t *tally) add(other *tally) {
	for i := range other {
		t[i] += other[i]
	}
}

// New returns an open router without workers.
func New(cfg Config) *Router {
	r := &Router{
		cfg:       cfg,
		picker:    cfg.Dispatch.build(),
		epoch:     time.Now().Add(-1), // so that no reading of the clock is 0
		meter:     meter.New(),
		runners:   runners.New(idleRunners * runtime.GOMAXPROCS(0)),
		deliver:   deliver.Deliverer{System: cfg.System, Logger: cfg.Logger},
		byID:      make(map[string]*Worker),
		callers:   make(map[*Cell]*callerRun),
		abandoned: make(map[*watch]struct{}),
	}
	r.setRouteesLocked(nil)
	if cfg.Work != nil {
		r.work = cfg.Work(r)
	}
	return r
}

// now is the time since the router was made, in nanoseconds, and never 0.
func (r *Router) now() int64 { return int64(time.Since(r.epoch)) }

// timeOf is the time of a reading of the router's clock.
func (r *Router) timeOf(now int64) time.Time { return r.epoch.Add(time.Duration(now)) }

// notify has an event published, on the goroutine of the pool's own actor.
func (r *Router) notify(event any) {
	if r.ended.Load() {
		r.deliver.Publish(event)
		return
	}
	r.deliver.Tell(r.cfg.Self, &notice{event})
}

// warn has a warning logged there: the logger is the user's, and may do its worst.
func (r *Router) warn(text string, args ...any) {
	r.deliver.Tell(r.cfg.Self, &warning{text, append([]any{"pool", r.cfg.Name}, args...)})
}

func (r *Router) notifyAfter(then *after, event any) {
	then.calls = append(then.calls, func() { r.notify(event) })
}

// after is what is left to do when mu is free.
type after struct {
	wake    *Worker // the first worker to schedule; most often the only one
	wakes   []*Worker
	settled []settlement // of which the waiters are to be told
	calls   []func()
}

func (a *after) schedule(w *Worker) {
	switch {
	case w == nil:
	case a.wake == nil:
		a.wake = w
	default:
		a.wakes = append(a.wakes, w)
	}
}

// A settlement is what those who wait for a settled task are to be told.
type settlement struct {
	cell    *Cell
	err     error
	release bool   // the pool is done with the cell then
	note    func() // enters it in the journals; nil: there are none

	// Of a task that was interrupted.
	ctx   *Context // of its handler; nil: it was in no hand
	cause error    // why that is to end
}

// run must be called without mu.
func (a *after) run() {
	if len(a.settled) > 0 {
		for _, s := range a.settled { // first, for those who are told may take their time
			if s.ctx != nil {
				s.ctx.interrupt(s.cause)
			}
		}
		tellAll(a.settled)
	}
	if a.wake != nil {
		a.wake.schedule()
	}
	for _, w := range a.wakes {
		w.schedule()
	}
	for _, call := range a.calls {
		call()
	}
}

// tellAll tells who waits for the settled tasks. Telling an actor may run code of
// the user's, such as a subscriber of dead letters: if that ends this goroutine, by
// runtime.Goexit, another goes on.
func tellAll(settlements []settlement) {
	told := 0
	defer func() {
		if rest := settlements[told:]; len(rest) > 0 {
			go tellAll(rest)
		}
	}()
	for _, s := range settlements {
		told++
		if s.note != nil {
			s.note()
		}
		s.cell.body.Settled(s.err)
		if s.release {
			s.cell.body.Released()
		}
	}
}
