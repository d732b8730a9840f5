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

const (
	cannotStart      = "cannot start"
	routeeTerminated = "routee terminated"
)

var errUseless = errors.New("its predecessors stopped without having settled a task")

// replacer replaces workers that have stopped.
type replacer struct {
	pool    *pool
	members *members
	guard   *strategyGuard
	jobs    *jobs
	sizer   *sizer

	useless int                           // workers in a row that stopped without having settled a task
	gone    bool                          // workers have stopped since EndVainWaits was called
	retries map[*spawnAttempt]*time.Timer // workers that will be spawned later
}

// A spawnAttempt is for a worker that replaces another.
type spawnAttempt struct {
	foreign  *actor.PID // for which the worker is to stand; nil: none
	replaces *actor.PID // nil: one of the first workers of a pool that has been restarted
	recycled bool       // the other was recycled: the statistics do not count a replacement
	failed   int        // earlier attempts
}

// stopped handles the end of a worker.
func (r *replacer) stopped(worker *actor.PID) {
	departure, leaves, known := r.members.remove(worker)
	if !known {
		return // it has been handled: Proto.Actor may report an end twice
	}
	r.gone = true
	r.guard.forget(worker)
	bereft := r.pool.workers.IsBereft(worker)
	worked, abandoned, recycled := r.pool.workers.Remove(worker)
	reason := departure.reason
	switch {
	case r.pool.stopping:
		reason = "pool stopped"
	case leaves:
	case bereft:
		reason = routeeTerminated
	case abandoned:
		reason = "abandoned: its handler ignores cancellation"
	case recycled:
		reason = "recycled"
	default:
		reason = "stopped"
	}
	r.pool.publish(&messages.WorkerStopped{Pool: r.pool.name, Worker: worker, Reason: reason})
	switch {
	case r.pool.stopping:
	case departure.dismissed:
		r.jobs.add(func(done func()) {
			r.sizer.lose(worker, reason)
			done()
		})
	case bereft && !leaves:
		r.jobs.add(func(done func()) {
			r.sizer.bereave(worker)
			done()
		})
	case recycled && !leaves:
		r.jobs.add(func(done func()) { r.spawn(&spawnAttempt{replaces: worker, recycled: true}, done) })
	case !leaves:
		r.jobs.add(func(done func()) { r.replace(worker, worked, done) })
	}
}

// replace spawns the successor of a worker that has stopped, unless a resize has filled the
// gap. It delays or refuses that only after too many workers in a row have stopped without
// having settled a task. So workers may stop themselves after any number of tasks.
func (r *replacer) replace(worker *actor.PID, worked bool, done func()) {
	if !r.sizer.hasGap() {
		done()
		return
	}
	foreign := r.pool.routees.of(worker)
	if worked {
		r.useless = 0
	} else {
		r.useless++
	}
	if r.useless <= attempts {
		r.spawn(&spawnAttempt{foreign: foreign, replaces: worker}, done)
		return
	}
	if r.guard.delays != nil {
		r.spawnLater(&spawnAttempt{foreign: foreign, replaces: worker, failed: r.useless - attempts}, errUseless)
	} else {
		r.sizer.lose(worker, errUseless.Error())
	}
	done()
}

// spawn spawns a worker if there is a gap. It calls done when that has succeeded or failed,
// or when its constructor is slow. In that case the worker joins when it returns.
func (r *replacer) spawn(a *spawnAttempt, done func()) {
	if !r.sizer.hasGap() {
		done()
		return
	}
	r.sizer.nursery.order(1, func() *actor.Props { return r.pool.props(a.foreign) }, func(d delivery) {
		for _, worker := range d.made {
			r.pool.routees.assign(a.foreign, worker)
		}
		for _, successor := range r.sizer.spawner.take(d.made, r.sizer.wanted) {
			r.replaced(a, successor)
		}
		if d.over && d.err != nil {
			r.spawnLater(a, d.err)
		}
		done()
	})
}

func (r *replacer) replaced(a *spawnAttempt, successor *actor.PID) {
	if a.replaces == nil || a.recycled {
		return
	}
	r.pool.workers.Replaced()
	r.pool.publish(&messages.WorkerReplaced{Pool: r.pool.name, Worker: successor, Replace: a.replaces})
}

// spawnLater schedules another attempt to spawn a worker, because of err. With a strategy
// that delays restarts, the attempts go on forever with the delays of the strategy.
func (r *replacer) spawnLater(a *spawnAttempt, err error) {
	delays := backoff.Backoff{Min: 100 * time.Millisecond, Max: 10 * time.Second}
	if own := r.guard.delays; own != nil {
		delays = own.Backoff
	} else if a.failed >= attempts {
		r.sizer.lose(a.replaces, cannotStart)
		return
	}
	delay := delays.Delay(a.failed)
	r.pool.deliver.Log(slog.LevelWarn, "worker not started, will try again", "in", delay, "error", err)
	next := &spawnAttempt{foreign: a.foreign, replaces: a.replaces, recycled: a.recycled, failed: a.failed + 1}
	r.retries[next] = r.pool.after(delay, func() {
		delete(r.retries, next)
		r.jobs.add(func(done func()) { r.spawn(next, done) })
	})
}

// endVainWaits tells the data plane that workers are gone and will not be replaced at once.
func (r *replacer) endVainWaits() {
	if r.gone {
		r.gone = false
		r.pool.workers.EndVainWaits()
	}
}

// exhausted reports whether no worker is left and none will be spawned. A worker that has
// left dispatch, but whose end has not been handled yet, will still be replaced.
func (r *replacer) exhausted() bool {
	return r.pool.workers.Size() == 0 && len(r.retries) == 0 && r.members.replaceable() == 0 &&
		!r.sizer.nursery.pending()
}

// stop cancels the scheduled attempts.
func (r *replacer) stop() {
	for _, timer := range r.retries {
		timer.Stop()
	}
}
