package supervisor

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
)

// autoscaler is the state of a pool's autoscaling.
type autoscaler struct {
	scaler Scaler // nil: the pool is not scaled
	rule   string // its name
	timer  *time.Timer
	at     time.Time // of the last look
	ended  int64     // attempts that had ended by then
	futile [2]int    // the last decision that was not carried out, from and to: it is published once
}

// lookAtLoad is what the supervisor sends itself at the autoscaling interval.
type lookAtLoad struct{}

func (s *supervisor) startAutoscaling(ctx actor.Context) {
	if s.Autoscale == nil {
		return
	}
	scale := s.Autoscale.withDefaults()
	s.Autoscale = &scale
	s.autoscaler = autoscaler{at: time.Now()}
	err := survive(func() {
		s.autoscaler.rule = scale.Rule.String()
		s.autoscaler.scaler = scale.Rule.Scaler(scale.Min, scale.Max, scale.Every)
	})
	if err != nil || s.autoscaler.scaler == nil {
		s.Logger.Error("no autoscaling: the rule made no scaler", "pool", s.Pool, "error", err)
		return
	}
	s.nextLook(ctx)
}

func (s *supervisor) nextLook(ctx actor.Context) {
	root, self := ctx.ActorSystem().Root, ctx.Self()
	s.autoscaler.timer = time.AfterFunc(s.Autoscale.Every, func() { root.Send(self, &lookAtLoad{}) })
}

func (a *autoscaler) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}

// decided is what the scaler has decided, which the supervisor is told as a message:
// the scaler may be the user's, and whatever it does, it must not hold up the pool.
type decided struct {
	load Load
	lost int // workers gone for good, which are in load
	to   int
	why  string
	err  error
}

// lookAtLoad asks the scaler.
func (s *supervisor) lookAtLoad(ctx actor.Context) {
	if s.stopping {
		return
	}
	stats := s.Crew.Stats()
	a := &s.autoscaler
	ended := stats.Succeeded + stats.Failed + stats.Panicked + stats.Quarantined + stats.Retries
	// What was lost for good is not made up for by scaling: to the scaler, the lost are
	// workers that are always busy.
	d := &decided{lost: s.lost, load: Load{
		At: stats.At, Size: s.wanted + s.lost, Busy: stats.Busy + s.lost, Peak: s.Crew.PeakBusy() + s.lost,
		Queued:      stats.Queued - stats.Delayed,
		Throughput:  float64(ended-a.ended) / stats.At.Sub(a.at).Seconds(),
		Utilization: stats.Utilization,
	}}
	a.at, a.ended = stats.At, ended
	if stats.Paused {
		s.nextLook(ctx) // what is seen of a pool that is held up says nothing about its size
		return
	}
	root, self, scaler := ctx.ActorSystem().Root, ctx.Self(), a.scaler
	go func() {
		d.err = survive(func() { d.to, d.why = scaler.Decide(d.load) })
		root.Send(self, d)
	}()
}

// scale does and publishes what has been decided.
func (s *supervisor) scale(ctx actor.Context, d *decided) {
	if s.stopping {
		return
	}
	defer s.nextLook(ctx)
	a := &s.autoscaler
	err := d.err
	if err == nil && d.to != d.load.Size {
		err = s.checkBounds(d.to)
	}
	if err != nil {
		s.Logger.Error("autoscaling rule failed", "pool", s.Pool, "rule", a.rule, "error", err)
		return
	}
	from, to := d.load.Size-d.lost, d.to-d.lost
	if from != s.wanted || to == from || to < 1 {
		a.futile = [2]int{}
		return
	}
	event := &messages.Autoscaled{
		Pool: s.Pool, Rule: a.rule, From: from, To: to, Reason: d.why,
		Queued: d.load.Queued, Busy: d.load.Busy - d.lost, Throughput: d.load.Throughput, Utilization: d.load.Utilization,
		DryRun: s.Autoscale.DryRun,
	}
	if !event.DryRun {
		event.Err = s.resize(ctx, to, "autoscale, "+a.rule+": "+d.why)
	}
	if event.DryRun || event.Err != nil {
		if a.futile == [2]int{from, to} {
			return
		}
		a.futile = [2]int{from, to}
	}
	s.deliver.Publish(event)
}

// survive runs code of the user's. A panic in it, or a runtime.Goexit, is an error.
func survive(f func()) (err error) {
	deliver.Apart(func() {
		err = &messages.PanicError{Value: messages.ErrGoexit} // unless it gets further
		defer func() {
			if value := recover(); value != nil {
				err = &messages.PanicError{Value: value}
			}
		}()
		f()
		err = nil
	})
	return err
}

// checkBounds says why a pool that is scaled cannot be given the size.
func (s *supervisor) checkBounds(size int) error {
	if a := s.Autoscale; a != nil && (size < a.Min || size > a.Max) {
		return invalid.Option("size %d is not within the autoscaler's %d to %d", size, a.Min, a.Max)
	}
	return nil
}
