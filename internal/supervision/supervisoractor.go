package supervision

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"

	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/internal/request"
	"github.com/troupe-go/troupe/messages"
)

// supervisorActor is the parent of a pool's workers. It receives the messages that
// concern the workers and passes each one to the part that handles it. It runs no user code.
type supervisorActor struct {
	config     Config
	pool       *pool
	members    *members
	guard      *strategyGuard
	jobs       *jobs
	nursery    *nursery
	spawner    *spawner
	sizer      *sizer
	starter    *starter
	replacer   *replacer
	health     *healthChecks
	autoscaler *autoscaler
}

func newSupervisorActor(cfg Config, mailbox *supervisorMailbox, m *members, guard *strategyGuard) *supervisorActor {
	p := &pool{name: cfg.Pool, workers: cfg.Workers, deliver: cfg.Deliverer, mailbox: mailbox, routees: cfg.Routees}
	queue := new(jobs)
	makes := &nursery{pool: p, spawn: newChildSpawner(p, &cfg.Kept.worker).spawn, orders: make(map[*order]struct{})}
	spawning := &spawner{pool: p, members: m}
	sizing := &sizer{pool: p, nursery: makes, spawner: spawning, routeesOnly: cfg.RouteesOnly}
	replacing := &replacer{
		pool: p, members: m, guard: guard, jobs: queue, sizer: sizing, retries: make(map[*spawnAttempt]*time.Timer),
	}
	return &supervisorActor{
		config:     cfg,
		pool:       p,
		members:    m,
		guard:      guard,
		jobs:       queue,
		nursery:    makes,
		spawner:    spawning,
		sizer:      sizing,
		starter:    &starter{sizer: sizing, replacer: replacing, started: cfg.Started},
		replacer:   replacing,
		health:     &healthChecks{pool: p, every: cfg.Health},
		autoscaler: newAutoscaler(p, queue, sizing, cfg.Autoscale),
	}
}

// Receive implements [actor.Actor].
func (s *supervisorActor) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	// Its own life, and that of its workers.
	case *actor.Started:
		s.start()
	case *actor.Stopped:
		s.pool.mailbox.close()
		return
	case *actor.Terminated:
		if msg.Who == s.pool.mailbox.end {
			s.stop()
		} else {
			s.replacer.stopped(msg.Who)
		}

	case *request.Request:
		s.jobs.add(func(done func()) { s.carryOut(msg, done) })

	// What the parts send to their own supervisor.
	case *step:
		if msg.of != s.pool || s.pool.stopping {
			msg.dropped()
			return
		}
		msg.do()

	default:
		return
	}
	s.conclude()
}

// conclude does what has to be done when workers have stopped and no job is left.
func (s *supervisorActor) conclude() {
	switch {
	case s.pool.stopping:
		s.replacer.endVainWaits()
		if s.members.empty() {
			s.pool.mailbox.finish()
		}
	case s.jobs.idle():
		s.replacer.endVainWaits()
		s.failIfExhausted()
	}
}

// carryOut carries out a request. A failure is always answered.
func (s *supervisorActor) carryOut(req *request.Request, done func()) {
	if req.Answered() {
		done()
		return
	}
	from := s.sizer.wanted
	finish := func(err error) {
		resize, ok := req.Message.(*messages.Resize)
		s.pool.flush()
		switch {
		case err != nil:
			req.Answer(&messages.Result{Err: err, Outcome: messages.Rejected, Pool: s.pool.name})
		case ok:
			req.Answer(&messages.Resized{From: from, To: resize.Size})
		default:
			req.Done()
		}
		done()
	}
	switch msg := req.Message.(type) {
	case *messages.Resize:
		s.resize(msg.Size, finish)
	case *protorouter.AdjustPoolSize:
		s.resize(s.sizer.wanted+int(msg.Change), finish)
	case *protorouter.AddRoutee:
		s.sizer.adopt(msg.PID, finish)
	case *protorouter.RemoveRoutee:
		finish(s.sizer.remove(msg.PID))
	default:
		finish(invalid.Option("request %T", msg))
	}
}

// start spawns the workers.
func (s *supervisorActor) start() {
	s.guard.start()
	s.jobs.add(func(done func()) {
		begun := false
		workers := append(make([]*actor.PID, s.config.Kept.start(s.config.Size)), s.pool.routees.all()...)
		s.starter.start(workers, func(ok bool) {
			if ok && !begun {
				begun = true
				s.health.schedule()
				s.autoscaler.start()
			}
			done()
		})
	})
}

// stop makes the workers stop.
func (s *supervisorActor) stop() {
	if s.pool.stopping {
		return
	}
	s.pool.stopping = true
	s.config.Kept.leave(s.sizer.wanted, s.sizer.lost, len(s.pool.routees.all()))
	s.pool.workers.Wanted(0) // no further worker comes
	s.health.stop()
	s.autoscaler.stop()
	s.jobs.stop()
	s.replacer.stop()
	s.nursery.stop()
	s.guard.stop()
	for _, worker := range s.members.list() {
		s.pool.stop(worker)
	}
}

// resize changes the number of workers because a user asked for it.
func (s *supervisorActor) resize(size int, done func(error)) {
	if s.config.RouteesOnly {
		done(invalid.Option("size %d: a pool of routees is as large as there are routees", size))
		return
	}
	if err := s.autoscaler.checkBounds(size); err != nil {
		done(err)
		return
	}
	s.sizer.request(size, done)
}

// failIfExhausted fails the pool when no worker is left and none will be spawned.
func (s *supervisorActor) failIfExhausted() {
	if s.replacer.exhausted() && s.spawner.fail() {
		s.config.NoWorkers()
	}
}
