package supervision

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"

	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/messages"
)

// supervisorActor is the parent of a pool's workers. It receives the messages that
// concern the workers and passes each one to the part that handles it.
type supervisorActor struct {
	config     Config
	pool       *pool
	guard      *strategyGuard
	spawner    *spawner
	sizer      *sizer
	replacer   *replacer
	health     *healthChecks
	autoscaler *autoscaler
}

func newSupervisorActor(cfg Config, m *members, guard *strategyGuard) *supervisorActor {
	p := &pool{name: cfg.Pool, workers: cfg.Workers, logger: cfg.Logger}
	spawning := &spawner{pool: p, members: m}
	sizing := &sizer{pool: p, spawner: spawning}
	return &supervisorActor{
		config:  cfg,
		pool:    p,
		guard:   guard,
		spawner: spawning,
		sizer:   sizing,
		replacer: &replacer{
			pool: p, members: m, guard: guard, spawner: spawning, sizer: sizing,
			retries: make(map[*spawnAttempt]*time.Timer),
		},
		health:     &healthChecks{pool: p, every: cfg.Health},
		autoscaler: newAutoscaler(p, sizing, cfg.Autoscale),
	}
}

// Receive implements [actor.Actor].
func (s *supervisorActor) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	// Its own life, and that of its workers.
	case *actor.Started:
		s.start(ctx)
	case *actor.Stopping, *actor.Restarting:
		s.stop()
	case *actor.Terminated:
		s.replacer.stopped(ctx, msg.Who)
		s.failIfExhausted()
	case *messages.WorkerRestarted:
		s.pool.deliver.PublishHere(msg) // there is nothing else to do: see dispatcher
	case *messages.Report:
		s.pool.workers.AddCounters(ctx.Sender(), msg.Counters)

	// Requests. A failure is always answered.
	case *messages.GetStats:
		deliver.Respond(ctx, s.pool.workers.Stats())
	case *messages.Resize:
		from := s.sizer.wanted
		if err := s.resize(ctx, msg.Size); err != nil {
			s.reject(ctx, err)
			return
		}
		deliver.Respond(ctx, &messages.Resized{From: from, To: msg.Size})
	case *ResizeRequest:
		msg.Done(s.resize(ctx, msg.Size))
	case *protorouter.AdjustPoolSize:
		s.reject(ctx, s.resize(ctx, s.sizer.wanted+int(msg.Change)))
	case *protorouter.AddRoutee:
		s.reject(ctx, s.sizer.adopt(ctx, msg.PID))
	case *protorouter.RemoveRoutee:
		s.reject(ctx, s.sizer.remove(ctx, msg.PID))
	case *protorouter.GetRoutees:
		deliver.Respond(ctx, &protorouter.Routees{PIDs: s.pool.workers.Routees()})

	// What the parts send to their own supervisor.
	case *spawnAttempt:
		s.replacer.retry(ctx, msg)
		s.failIfExhausted()
	case *healthCheck:
		s.health.check(ctx)
	case *loadCheck:
		s.autoscaler.check(ctx)
	case *decision:
		s.autoscaler.apply(ctx, msg)
	}
}

// reject answers with an error, if there is one.
func (s *supervisorActor) reject(ctx actor.Context, err error) {
	if err != nil {
		deliver.Respond(ctx, &messages.Result{Err: err, Outcome: messages.Rejected, Pool: s.pool.name})
	}
}

// start spawns the workers.
func (s *supervisorActor) start(ctx actor.Context) {
	s.pool.deliver = deliver.Deliverer{System: ctx.ActorSystem(), Logger: s.pool.logger}
	s.guard.start()
	complete := s.sizer.start(ctx, s.config.Size, func(err error) (goOn bool) {
		if s.config.Started(err) {
			return false
		}
		s.replacer.spawnLater(ctx, new(spawnAttempt), err)
		return true
	})
	if !complete {
		s.failIfExhausted()
		return
	}
	s.config.Started(nil)
	s.health.schedule(ctx)
	s.autoscaler.start(ctx)
}

func (s *supervisorActor) stop() {
	s.pool.stopping = true
	s.health.stop()
	s.autoscaler.stop()
	s.replacer.stop()
	s.guard.stop()
}

// resize changes the number of workers because a user asked for it.
func (s *supervisorActor) resize(ctx actor.Context, size int) error {
	if err := s.autoscaler.checkBounds(size); err != nil {
		return err
	}
	return s.sizer.request(ctx, size)
}

// failIfExhausted fails the pool when no worker is left and none will be spawned.
func (s *supervisorActor) failIfExhausted() {
	if !s.pool.stopping && s.replacer.exhausted() && s.spawner.fail() {
		s.config.NoWorkers()
	}
}
