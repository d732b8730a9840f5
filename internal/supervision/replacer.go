package supervisor

import (
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/messages"
)

// respawn is what the supervisor sends itself when a worker is to be spawned that
// could not be before.
type respawn struct {
	replaces *actor.PID // nil: none, the pool was restarted
	tries    int        // that were in vain
}

var errFruitless = errors.New("its predecessors stopped without having done anything")

// replace spawns the successor of a worker that has stopped.
func (s *supervisor) replace(ctx actor.Context, worker *actor.PID, worked bool) {
	if worked {
		s.fruitless = 0
	} else {
		s.fruitless++
	}
	if s.fruitless <= barrenLimit {
		s.tryToReplace(ctx, &respawn{replaces: worker})
	} else if _, endless := s.oversight.patience(); endless {
		s.respawnLater(ctx, &respawn{replaces: worker, tries: s.fruitless - barrenLimit}, errFruitless)
	} else {
		s.lose(worker, errFruitless.Error(), true)
	}
}

func (s *supervisor) tryToReplace(ctx actor.Context, try *respawn) {
	successor, err := s.spawn(ctx, s.Crew.NewWorker)
	if err != nil {
		s.respawnLater(ctx, try, err)
		return
	}
	if try.replaces == nil {
		return
	}
	s.Crew.Replaced()
	s.deliver.Publish(&messages.WorkerReplaced{Pool: s.Pool, Worker: successor, Replace: try.replaces})
}

// respawnLater has a worker spawned at another try, after a delay: the strategy's
// own, if that delays restarts, which then goes on for ever.
func (s *supervisor) respawnLater(ctx actor.Context, try *respawn, err error) {
	delays, endless := s.oversight.patience()
	if !endless {
		delays = Backoff{Min: 100 * time.Millisecond, Max: 10 * time.Second}
	}
	if try.tries >= barrenLimit && !endless {
		s.lose(try.replaces, cannotStart, true)
		return
	}
	delay := delays.delays().Delay(try.tries)
	s.Logger.Warn("worker not started, will try again", "pool", s.Pool, "in", delay, "error", err)
	again := &respawn{replaces: try.replaces, tries: try.tries + 1}
	root, self := ctx.ActorSystem().Root, ctx.Self()
	s.respawns[again] = time.AfterFunc(delay, func() { root.Send(self, again) })
}

// respawn tries again, unless a resize has filled the gap already.
func (s *supervisor) respawn(ctx actor.Context, try *respawn) {
	delete(s.respawns, try)
	if s.stopping {
		return
	}
	if s.Crew.Size() < s.wanted {
		s.tryToReplace(ctx, try)
	}
	s.failIfEmpty()
}
