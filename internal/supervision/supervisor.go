package supervisor

import (
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"

	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
)

// Config is what a supervisor is made of. Its values have been validated.
type Config struct {
	Pool      string
	Size      int
	Strategy  actor.SupervisorStrategy
	Crew      Crew
	Health    time.Duration // 0: no health checks
	Autoscale *Autoscale    // nil: the size is left alone
	Logger    *slog.Logger

	// Started is called once the first workers have been spawned, or one could not
	// be. It reports whether anybody waits for that, who stops the pool then.
	Started func(error) bool
	// Escalate leaves a worker's failure to the pool's parent, NoWorkers the end of
	// the last worker. They are called on any goroutine.
	Escalate  func(reason, message any)
	NoWorkers func()
}

// ResizeRequest is a [messages.Resize] from outside of any actor: Done is called
// with the outcome.
type ResizeRequest struct {
	Size int
	Done func(error)
}

// ForSupervisor marks a message that the pool hands on to its supervisor.
func (*ResizeRequest) ForSupervisor() {}

// supervisor is the parent of the workers.
type supervisor struct {
	Config
	oversight *oversight
	deliver   deliver.Deliverer

	spawned    int                      // workers so far; it numbers them
	expected   map[string]string        // why a worker stops that is not to be replaced, by the ID of its PID
	fruitless  int                      // replacements in a row of workers that never settled a task
	respawns   map[*respawn]*time.Timer // of workers that are to be spawned at another try
	lost       int                      // workers gone for good since the pool was resized by request
	wanted     int                      // workers that there should be; fewer while one is being replaced
	stopping   bool
	health     health
	autoscaler autoscaler
}

// Props returns the props of a supervisor.
func Props(cfg Config) *actor.Props {
	o := &oversight{
		strategy: cfg.Strategy, crew: cfg.Crew, logger: cfg.Logger, pool: cfg.Pool,
		escalate: cfg.Escalate, dismissed: make(map[string]string),
	}
	return actor.PropsFromProducer(
		func() actor.Actor {
			return &supervisor{
				Config: cfg, oversight: o,
				expected: make(map[string]string),
				respawns: make(map[*respawn]*time.Timer),
			}
		},
		actor.WithSupervisor(o),
	)
}

// Receive implements actor.Actor.
func (s *supervisor) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		s.start(ctx)
	case *actor.Stopping, *actor.Restarting:
		s.stopping = true
		s.health.stop()
		s.autoscaler.stop()
		s.oversight.stop()
		for _, timer := range s.respawns {
			timer.Stop()
		}
	case *actor.Terminated:
		s.ended(ctx, msg.Who)
	case *messages.GetStats:
		deliver.Respond(ctx, s.Crew.Stats())
	case *messages.Resize:
		from := s.wanted
		if err := s.request(ctx, msg.Size); err != nil {
			deliver.Respond(ctx, &messages.Result{Err: err, Outcome: messages.Rejected})
			return
		}
		deliver.Respond(ctx, &messages.Resized{From: from, To: msg.Size})
	case *ResizeRequest:
		msg.Done(s.request(ctx, msg.Size))
	case *protorouter.AdjustPoolSize:
		if err := s.request(ctx, s.wanted+int(msg.Change)); err != nil {
			deliver.Respond(ctx, &messages.Result{Err: err, Outcome: messages.Rejected})
		}
	case *protorouter.GetRoutees:
		deliver.Respond(ctx, &protorouter.Routees{PIDs: s.Crew.Routees()})
	case *protorouter.AddRoutee:
		if err := s.adopt(ctx, msg.PID); err != nil {
			deliver.Respond(ctx, &messages.Result{Err: err, Outcome: messages.Rejected})
		}
	case *protorouter.RemoveRoutee:
		if err := s.remove(ctx, msg.PID); err != nil {
			deliver.Respond(ctx, &messages.Result{Err: err, Outcome: messages.Rejected})
		}
	case *messages.Report:
		s.Crew.AddCounters(ctx.Sender(), msg.Counters)
	case *messages.WorkerRestarted:
		s.deliver.Publish(msg)
	case *respawn:
		s.respawn(ctx, msg)
	case *checkHealth:
		s.checkHealth(ctx)
	case *lookAtLoad:
		s.lookAtLoad(ctx)
	case *decided:
		s.scale(ctx, msg)
	}
}

func (s *supervisor) start(ctx actor.Context) {
	s.deliver = deliver.Deliverer{System: ctx.ActorSystem(), Logger: s.Logger}
	s.wanted = s.Size
	s.oversight.start()
	s.Crew.Lost(0)
	for range s.Size {
		if _, err := s.spawn(ctx, s.Crew.NewWorker); err != nil {
			if s.Started(err) {
				s.failIfEmpty()
				return
			}
			s.respawnLater(ctx, new(respawn), err) // the pool has been restarted: nobody waits for its start
		}
	}
	s.Started(nil)
	s.nextHealthCheck(ctx)
	s.startAutoscaling(ctx)
}

// request resizes the pool because somebody has asked for it.
func (s *supervisor) request(ctx actor.Context, size int) error {
	if err := s.checkBounds(size); err != nil {
		return err
	}
	err := s.resize(ctx, size, "requested")
	if err == nil {
		s.lost = 0
		s.Crew.Lost(0)
	}
	return err
}

// spawn starts a worker. A producer that panics, or an option of its props, is an
// error.
func (s *supervisor) spawn(ctx actor.Context, props func() *actor.Props) (pid *actor.PID, err error) {
	s.spawned++
	panicked := survive(func() { pid, err = ctx.SpawnNamed(props(), strconv.Itoa(s.spawned)) })
	if panicked != nil {
		err = panicked
	}
	if err != nil {
		return nil, fmt.Errorf("worker not started: %w", err)
	}
	s.Crew.Revive()
	s.deliver.Publish(&messages.WorkerStarted{Pool: s.Pool, Worker: pid})
	return pid, nil
}

// MaxSize is how many workers a pool can have. More would take gigabytes before they had
// anything to do.
const MaxSize = 1_000_000

// CheckSize returns an error that wraps [messages.ErrInvalidOption] if a pool cannot have
// so many workers.
func CheckSize(size int) error {
	switch {
	case size < 1:
		return invalid.Option("size %d < 1", size)
	case size > MaxSize:
		return invalid.Option("size %d > %d", size, MaxSize)
	}
	return nil
}

// resize spawns workers, or retires those that the crew can spare best.
func (s *supervisor) resize(ctx actor.Context, size int, reason string) error {
	if err := CheckSize(size); err != nil {
		return err
	}
	if s.stopping {
		return messages.ErrPoolStopped
	}
	from := s.wanted
	for s.Crew.Size() < size {
		if _, err := s.spawn(ctx, s.Crew.NewWorker); err != nil {
			s.wanted = max(s.Crew.Size(), min(from, size)) // those that are to be spawned at another try still count
			s.resized(from, s.wanted, reason)
			return err
		}
	}
	s.wanted = size
	for _, pid := range s.Crew.Retire(size) {
		s.expected[pid.Id] = "resized"
		ctx.Stop(pid)
	}
	s.resized(from, size, reason)
	return nil
}

func (s *supervisor) resized(from, to int, reason string) {
	if from != to {
		s.deliver.Publish(&messages.PoolResized{Pool: s.Pool, From: from, To: to, Reason: reason})
	}
}

// adopt adds a worker that stands for a foreign actor.
func (s *supervisor) adopt(ctx actor.Context, foreign *actor.PID) error {
	if foreign == nil {
		return invalid.Option("nil PID")
	}
	for _, pid := range s.Crew.Routees() {
		if pid.Equal(foreign) {
			return nil
		}
	}
	props := s.Crew.Adopt(foreign)
	if props == nil {
		return invalid.Option("routee %s: the pool's tasks are for its own handler", foreign)
	}
	_, err := s.spawn(ctx, func() *actor.Props { return props })
	if err == nil {
		s.wanted++
		s.resized(s.wanted-1, s.wanted, "routee added")
	}
	return err
}

// remove retires one worker, unless it is the last. A PID that is no worker's is
// no error, as with Proto.Actor's own pools.
func (s *supervisor) remove(ctx actor.Context, pid *actor.PID) error {
	if pid == nil {
		return invalid.Option("nil PID")
	}
	if routees := s.Crew.Routees(); len(routees) == 1 && routees[0].Equal(pid) {
		return invalid.Option("%s is the last worker", pid.Id)
	}
	if worker := s.Crew.RetireWorker(pid); worker != nil {
		s.wanted--
		s.expected[worker.Id] = "removed"
		ctx.Stop(worker)
		s.resized(s.wanted+1, s.wanted, "routee removed")
	}
	return nil
}

// ended forgets a worker that has stopped, and replaces it unless it was to stop
// or is not worth it.
func (s *supervisor) ended(ctx actor.Context, worker *actor.PID) {
	defer s.Crew.EndVainWaits()
	worked, abandoned := s.Crew.Remove(worker)
	reason, expected := s.expected[worker.Id]
	delete(s.expected, worker.Id)
	spent, dismissed := s.oversight.takeDismissal(worker)
	s.oversight.forget(worker)
	switch {
	case s.stopping:
		reason = "pool stopped"
	case expected:
	case dismissed:
		reason = spent
	case abandoned:
		reason = "given up: its handler is stuck"
	default:
		reason = "stopped"
	}
	s.deliver.Publish(&messages.WorkerStopped{Pool: s.Pool, Worker: worker, Reason: reason})
	if s.stopping || expected {
		return
	}
	// A resize may have filled the gap already.
	missing := s.Crew.Size() < s.wanted
	switch {
	case dismissed:
		s.lose(worker, reason, missing)
	case missing:
		s.replace(ctx, worker, worked)
	}
	s.failIfEmpty()
}

// lose goes on without a worker. missing says that no other has taken its place.
func (s *supervisor) lose(worker *actor.PID, reason string, missing bool) {
	s.Logger.Warn("worker not replaced", "pool", s.Pool, "worker", worker.GetId(), "reason", reason)
	if !missing {
		return
	}
	s.wanted--
	s.lost++
	s.Crew.Lost(s.lost)
	s.resized(s.wanted+1, s.wanted, reason)
	s.deliver.Publish(&messages.Degraded{Pool: s.Pool, Worker: worker, Size: s.wanted, Lost: s.lost, Reason: reason})
}

func (s *supervisor) failIfEmpty() {
	if s.Crew.Size() == 0 && len(s.respawns) == 0 {
		s.Logger.Error("no workers left", "pool", s.Pool)
		s.Crew.Fail(messages.ErrNoWorkers)
		s.NoWorkers()
	}
}
