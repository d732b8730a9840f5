package engine

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A job is a body with its task. It remembers what it was told.
type job struct {
	task   Task
	work   func(*Context) error // nil: it succeeds at once
	sender *actor.PID

	mu       sync.Mutex
	outcomes []messages.Outcome // guarded by mu
	errs     []error            // guarded by mu
	unlinked int                // guarded by mu
}

func (j *job) Message() any            { return j }
func (j *job) Payload() any            { return j }
func (j *job) Sender() *actor.PID      { return j.sender }
func (j *job) Copy() *Task             { return &newJob(j.work).task }
func (j *job) Caller() context.Context { return nil }
func (j *job) Released()               {}
func (j *job) Exact() bool             { return true }
func (j *job) Owner() any              { return nil }
func (j *job) Disowned()               {}

func (j *job) Run(ctx *Context) error {
	if j.work == nil {
		return nil
	}
	return j.work(ctx)
}

func (j *job) Settled(s *Settlement) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.outcomes = append(j.outcomes, s.Outcome)
	j.errs = append(j.errs, s.Err)
}

func (j *job) Unlinked() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.unlinked++
}

// told returns the outcomes that the job was told.
func (j *job) told() []messages.Outcome {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.outcomes
}

func newJob(work func(*Context) error) *job {
	j := &job{work: work}
	j.task.Init(j)
	return j
}

func newTasks(n int) []*Task {
	tasks := make([]*Task, n)
	for i := range tasks {
		tasks[i] = &newJob(nil).task
	}
	return tasks
}

// newEngine returns an engine without workers and without an actor system.
func newEngine(t interface{ Cleanup(func()) }, d router.Dispatch, change ...func(*Config)) *Engine {
	cfg := Config{
		Name:     "pool",
		Dispatch: d,
		Capacity: AutoCapacity,
		Overflow: router.Reject,
		System:   newSystem(),
		Logger:   slog.New(slog.DiscardHandler),
		Handled:  true,
		Direct:   true,
		TaskSize: 100,
		NewTasks: newTasks,
	}
	for _, f := range change {
		f(&cfg)
	}
	e := New(cfg)
	t.Cleanup(func() {
		e.sched.close()
		e.timer.mu.Lock()
		defer e.timer.mu.Unlock()
		if e.timer.timer != nil {
			e.timer.timer.Stop()
		}
	})
	return e
}

func withCapacity(n int) func(*Config) { return func(cfg *Config) { cfg.Capacity = n } }

// newSystem returns an actor system that logs nothing. By default Proto.Actor counts dead
// letters for a second, in a goroutine.
func newSystem() *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond),
	)
}

// submit submits a job that cannot wait.
func submit(e *Engine, j *job, s *Spec) error {
	s.Mode = NoWait
	return e.Submit(context.Background(), &j.task, s)
}

// accept puts a job into the queue of w, or the shared one if w is nil, whether there is
// room or not. Nobody is woken for it.
func accept(e *Engine, w *Worker, s *Spec) *Task {
	t, q := &newJob(nil).task, e.shared
	if w != nil {
		q = w.q
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.submitted++
	e.acceptLocked(q, t, s, nil, e.newNumberLocked(q))
	return t
}

// newTestWorker returns a worker that has no actor behind it and has not joined.
func newTestWorker(e *Engine, id string) *Worker {
	w := newWorkerMailbox(e)
	w.invoker = &invoker{}
	w.pid = actor.NewPID("test", id)
	w.hand.worker = id
	w.supervisor, _ = e.cfg.System.ProcessRegistry.Add(&resumer{w: w}, "supervisor/"+id)
	return &w.Worker
}

// A resumer stands for the supervisor of a worker: it resumes the worker after a failure.
type resumer struct{ w *workerMailbox }

func (r *resumer) SendUserMessage(*actor.PID, any) {}
func (r *resumer) Stop(*actor.PID)                 {}

func (r *resumer) SendSystemMessage(_ *actor.PID, message any) {
	if failure, ok := message.(*actor.Failure); ok {
		r.w.invoker.(*invoker).failed(failure.Reason)
		r.w.PostSystemMessage(&actor.ResumeMailbox{})
	}
}

// seat lets n workers join that nobody runs, unless they are scheduled.
func seat(e *Engine, n int) []*Worker {
	e.stopWorld(func() {
		routees := append([]*Worker(nil), e.roster.view.Load().routees...)
		for range n {
			w := newTestWorker(e, string(rune('a'+len(routees))))
			w.started, w.routed = true, true
			e.roster.enrollLocked(w)
			routees = append(routees, w)
			w.refreshLocked(w.q)
			w.parkLocked(w.q)
		}
		e.setRouteesLocked(routees)
	})
	return e.roster.view.Load().routees[len(e.roster.view.Load().routees)-n:]
}

// mailboxOf is the mailbox of a worker.
func mailboxOf(w *Worker) *workerMailbox { return w.runs.(*workerMailbox) }

// An invoker stands for the actor of a worker.
type invoker struct {
	read func(any) // nil: messages are ignored

	mu       sync.Mutex
	failures []any // guarded by mu
}

func (i *invoker) InvokeSystemMessage(any) {}

func (i *invoker) InvokeUserMessage(message any) {
	if i.read != nil {
		i.read(message)
	}
}

func (i *invoker) EscalateFailure(any, any) {}

func (i *invoker) failed(reason any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.failures = append(i.failures, reason)
}
