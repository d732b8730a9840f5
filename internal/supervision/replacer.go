package supervision

import (
	"errors"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/backoff"
	"github.com/troupe-go/troupe/messages"
)

// attempts limits how often in a row a worker may fail to start, or be replaced before it
// has settled a task. Without the limit, such a worker would be started forever, as fast as
// the machine can. A strategy that delays restarts has no limit.
const attempts = 10

const cannotStart = "cannot start"

var errUseless = errors.New("its predecessors stopped without having settled a task")

// replacer replaces workers that have stopped.
type replacer struct {
	pool    *pool
	members *members
	guard   *strategyGuard
	spawner *spawner
	sizer   *sizer

	useless int                           // workers in a row that stopped without having settled a task
	retries map[*spawnAttempt]*time.Timer // workers that will be spawned later
}

// spawnAttempt is a message to the supervisor itself: it is time to spawn a worker
// that could not be spawned before.
type spawnAttempt struct {
	replaces *actor.PID // nil: one of the first workers of a pool that has been restarted
	failed   int        // earlier attempts
}

// stopped handles the end of a worker.
func (r *replacer) stopped(ctx actor.Context, worker *actor.PID) {
	departure, leaves, known := r.members.remove(worker)
	if !known {
		return // it has been handled: Proto.Actor may report an end twice
	}
	defer r.pool.workers.EndVainWaits()
	r.guard.forget(worker)
	worked, abandoned := r.pool.workers.Remove(worker)
	reason := departure.reason
	switch {
	case r.pool.stopping:
		reason = "pool stopped"
	case leaves:
	case abandoned:
		reason = "given up: its handler is stuck"
	default:
		reason = "stopped"
	}
	r.pool.publish(&messages.WorkerStopped{Pool: r.pool.name, Worker: worker, Reason: reason})
	switch {
	case r.pool.stopping:
	case departure.dismissed:
		r.sizer.lose(worker, reason)
	case !leaves && r.sizer.hasGap(): // a resize may have filled the gap
		r.replace(ctx, worker, worked)
	}
}

// replace spawns the successor of a worker that has stopped. It delays or refuses that only
// after too many workers in a row have stopped without having settled a task. So workers
// may stop themselves after any number of tasks.
func (r *replacer) replace(ctx actor.Context, worker *actor.PID, worked bool) {
	if worked {
		r.useless = 0
	} else {
		r.useless++
	}
	switch {
	case r.useless <= attempts:
		r.spawn(ctx, &spawnAttempt{replaces: worker})
	case r.guard.delays != nil:
		r.spawnLater(ctx, &spawnAttempt{replaces: worker, failed: r.useless - attempts}, errUseless)
	default:
		r.sizer.lose(worker, errUseless.Error())
	}
}

func (r *replacer) spawn(ctx actor.Context, a *spawnAttempt) {
	successor, err := r.spawner.spawn(ctx)
	if err != nil {
		r.spawnLater(ctx, a, err)
		return
	}
	if a.replaces == nil {
		return
	}
	r.pool.workers.Replaced()
	r.pool.publish(&messages.WorkerReplaced{Pool: r.pool.name, Worker: successor, Replace: a.replaces})
}

// spawnLater schedules another attempt to spawn a worker, because of err. With a strategy
// that delays restarts, the attempts go on forever with the delays of the strategy.
func (r *replacer) spawnLater(ctx actor.Context, a *spawnAttempt, err error) {
	delays := backoff.Backoff{Min: 100 * time.Millisecond, Max: 10 * time.Second}
	if own := r.guard.delays; own != nil {
		delays = own.Backoff
	} else if a.failed >= attempts {
		r.sizer.lose(a.replaces, cannotStart)
		return
	}
	delay := delays.Delay(a.failed)
	logTo(r.pool.logger, slog.LevelWarn, "worker not started, will try again",
		"pool", r.pool.name, "in", delay, "error", err)
	next := &spawnAttempt{replaces: a.replaces, failed: a.failed + 1}
	r.retries[next] = time.AfterFunc(delay, sendSelf(ctx, next))
}

// retry makes another attempt to spawn a worker, unless a resize has filled the gap.
func (r *replacer) retry(ctx actor.Context, a *spawnAttempt) {
	delete(r.retries, a)
	if !r.pool.stopping && r.sizer.hasGap() {
		r.spawn(ctx, a)
	}
}

// exhausted reports whether no worker is left and none will be spawned. A worker that has
// left dispatch, but whose end has not been handled yet, will still be replaced.
func (r *replacer) exhausted() bool {
	return r.pool.workers.Size() == 0 && len(r.retries) == 0 && r.members.replaceable() == 0
}

// stop cancels the scheduled attempts.
func (r *replacer) stop() {
	for _, timer := range r.retries {
		timer.Stop()
	}
}
