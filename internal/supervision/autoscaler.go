package supervision

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// autoscaler changes the pool's size with its load, if the pool is autoscaled.
type autoscaler struct {
	pool      *pool
	sizer     *sizer
	autoscale *supervisor.Autoscale // nil: the pool is not autoscaled
	scaler    supervisor.Scaler     // nil: it could not be made
	rule      string                // its name
	timer     *time.Timer
	at        time.Time // of the last check
	ended     int64     // attempts that had ended at the last check
	reported  [2]int    // sizes from and to of the last decision that was published but not carried out
}

func newAutoscaler(p *pool, s *sizer, autoscale *supervisor.Autoscale) *autoscaler {
	a := &autoscaler{pool: p, sizer: s}
	if autoscale != nil {
		scale := *autoscale
		scale.Every = cmp.Or(scale.Every, time.Second)
		if scale.Rule == nil {
			scale.Rule = supervisor.Threshold{}
		}
		a.autoscale = &scale
	}
	return a
}

// checkBounds returns an error if an autoscaled pool may not have this size.
func (a *autoscaler) checkBounds(size int) error {
	if s := a.autoscale; s != nil && (size < s.Min || size > s.Max) {
		return invalid.Option("size %d is not within the autoscaler's %d to %d", size, s.Min, s.Max)
	}
	return nil
}

func (a *autoscaler) start(ctx actor.Context) {
	if a.autoscale == nil {
		return
	}
	a.at = time.Now()
	err := runGuarded(func() {
		a.rule = a.autoscale.Rule.String()
		a.scaler = a.autoscale.Rule.Scaler(a.autoscale.Min, a.autoscale.Max, a.autoscale.Every)
	})
	if err != nil || a.scaler == nil {
		logTo(a.pool.logger, slog.LevelError, "no autoscaling: the rule made no scaler", "pool", a.pool.name, "error", err)
		return
	}
	a.schedule(ctx)
}

func (a *autoscaler) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}

// loadCheck is a message to the supervisor itself: it is time to ask the scaler.
type loadCheck struct{}

// schedule plans the next check of the load.
func (a *autoscaler) schedule(ctx actor.Context) {
	a.timer = time.AfterFunc(a.autoscale.Every, sendSelf(ctx, &loadCheck{}))
}

// decision is a message to the supervisor itself: the decision of the scaler. The scaler
// may be user code that blocks, so it runs on a goroutine of its own.
type decision struct {
	load supervisor.Load
	lost int // lost workers, which load counts as busy
	to   int
	why  string
	err  error
}

// check asks the scaler.
func (a *autoscaler) check(ctx actor.Context) {
	if a.pool.stopping {
		return
	}
	stats := a.pool.workers.Stats()
	d := &decision{load: a.measure(stats), lost: a.sizer.lost}
	if stats.Paused {
		a.schedule(ctx) // the load of a paused pool says nothing about its size
		return
	}
	send, scaler := sendSelf(ctx, d), a.scaler
	go func() {
		d.err = runGuarded(func() { d.to, d.why = scaler.Decide(d.load) })
		send()
	}()
}

// measure returns the load since the last check. It counts lost workers as workers that are
// always busy, because scaling must not replace them.
func (a *autoscaler) measure(stats *messages.Stats) supervisor.Load {
	lost := a.sizer.lost
	ended := stats.Succeeded + stats.Failed + stats.Panicked + stats.Quarantined + stats.Retries
	load := supervisor.Load{
		At: stats.At, Size: a.sizer.wanted + lost, Busy: stats.Busy + lost, Peak: a.pool.workers.PeakBusy() + lost,
		Queued:      stats.Queued - stats.Delayed,
		Throughput:  float64(ended-a.ended) / stats.At.Sub(a.at).Seconds(),
		Utilization: stats.Utilization,
	}
	a.at, a.ended = stats.At, ended
	return load
}

// apply carries out a decision, unless autoscaling is a dry run, and publishes it.
func (a *autoscaler) apply(ctx actor.Context, d *decision) {
	if a.pool.stopping {
		return
	}
	defer a.schedule(ctx)
	err := d.err
	if err == nil && d.to != d.load.Size {
		err = a.checkBounds(d.to)
	}
	if err != nil {
		logTo(a.pool.logger, slog.LevelError, "autoscaling rule failed", "pool", a.pool.name, "rule", a.rule, "error", err)
		return
	}
	from, to := d.load.Size-d.lost, d.to-d.lost
	if from != a.sizer.wanted || to == from || to < 1 {
		a.reported = [2]int{}
		return
	}
	event := &messages.Autoscaled{
		Pool: a.pool.name, Rule: a.rule, From: from, To: to, Reason: d.why,
		Queued: d.load.Queued, Busy: d.load.Busy - d.lost, Throughput: d.load.Throughput, Utilization: d.load.Utilization,
		DryRun: a.autoscale.DryRun,
	}
	if !event.DryRun {
		event.Err = a.sizer.resize(ctx, to, "autoscale, "+a.rule+": "+d.why)
	}
	if event.DryRun || event.Err != nil {
		if a.reported == [2]int{from, to} {
			return
		}
		a.reported = [2]int{from, to}
	}
	a.pool.publish(event)
}
