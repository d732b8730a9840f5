package supervision

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// autoscaler changes the pool's size with its load, if the pool is autoscaled.
type autoscaler struct {
	pool      *pool
	jobs      *jobs
	sizer     *sizer
	autoscale *supervisor.Autoscale // nil: the pool is not autoscaled
	scaler    supervisor.Scaler     // nil: the rule has not made it
	rule      string                // its name
	timer     *time.Timer
	at        time.Time // of the last check
	ended     int64     // attempts that had ended at the last check
	reported  [2]int    // sizes from and to of the last decision that was published but not carried out
}

func newAutoscaler(p *pool, j *jobs, s *sizer, autoscale *supervisor.Autoscale) *autoscaler {
	a := &autoscaler{pool: p, jobs: j, sizer: s}
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

// start begins the checks of the load. The rule and the scaler are user code, which runs on
// a goroutine of its own. While it does not return, there are no further checks.
func (a *autoscaler) start() {
	if a.autoscale == nil {
		return
	}
	a.at = time.Now()
	go func() {
		var name string
		var scaler supervisor.Scaler
		err := guard.Apart(func() {
			name = a.autoscale.Rule.String()
			scaler = a.autoscale.Rule.Scaler(a.autoscale.Min, a.autoscale.Max, a.autoscale.Every)
		})
		a.pool.post(func() { a.begin(name, scaler, err) })
	}()
}

// begin begins the checks when the rule has made a scaler.
func (a *autoscaler) begin(rule string, scaler supervisor.Scaler, err error) {
	if err != nil || scaler == nil {
		a.pool.deliver.Log(slog.LevelError, "no autoscaling: the rule made no scaler", "error", err)
		return
	}
	a.rule, a.scaler = rule, scaler
	a.schedule()
}

func (a *autoscaler) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}

// schedule plans the next check of the load.
func (a *autoscaler) schedule() { a.timer = a.pool.after(a.autoscale.Every, a.check) }

// A decision is the size that the scaler wants for a load.
type decision struct {
	load supervisor.Load
	lost int // lost workers, which load counts as busy
	to   int
	why  string
	err  error
}

// check asks the scaler.
func (a *autoscaler) check() {
	stats := a.pool.workers.Stats()
	d := &decision{load: a.measure(stats), lost: a.sizer.lost}
	if stats.Paused {
		a.schedule() // the load of a paused pool says nothing about its size
		return
	}
	scaler := a.scaler
	go func() {
		d.err = guard.Apart(func() { d.to, d.why = scaler.Decide(d.load) })
		a.pool.post(func() { a.jobs.add(func(done func()) { a.apply(d, done) }) })
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
func (a *autoscaler) apply(d *decision, done func()) {
	next := func() {
		a.schedule()
		done()
	}
	err := d.err
	if err == nil && d.to != d.load.Size {
		err = a.checkBounds(d.to)
	}
	if err != nil {
		a.pool.deliver.Log(slog.LevelError, "autoscaling rule failed", "rule", a.rule, "error", err)
		next()
		return
	}
	from, to := d.load.Size-d.lost, d.to-d.lost
	if from != a.sizer.wanted || to == from || to < 1 {
		a.reported = [2]int{}
		next()
		return
	}
	event := &messages.Autoscaled{
		Pool: a.pool.name, Rule: a.rule, From: from, To: to, Reason: d.why,
		Queued: d.load.Queued, Busy: d.load.Busy - d.lost, Throughput: d.load.Throughput, Utilization: d.load.Utilization,
		DryRun: a.autoscale.DryRun,
	}
	if event.DryRun {
		a.report(event)
		next()
		return
	}
	a.sizer.resize(to, "autoscale, "+a.rule+": "+d.why, func(err error) {
		event.Err = err
		a.report(event)
		next()
	})
}

// report publishes a decision, unless it was not carried out and the one before was the
// same.
func (a *autoscaler) report(event *messages.Autoscaled) {
	if event.DryRun || event.Err != nil {
		sizes := [2]int{event.From, event.To}
		if a.reported == sizes {
			return
		}
		a.reported = sizes
	}
	a.pool.publish(event)
}
