package jetstream

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/messages"
)

// follow waits for what comes of the task.
func (d *delivery) follow(running running) {
	<-running.Done()
	guard.Watch(func() { d.settle(running) }, func(value any) {
		d.failed(messages.Failed, fmt.Errorf(
			"the task cannot be settled: the codec, the retry policy or a method of the error panicked or ended its goroutine: %v", value))
	})
}

// settle does what is to be done about what the task came to.
func (d *delivery) settle(running running) {
	outcome, err := running.come()
	d.deciding.Lock() // whoever has brought that about says why
	ending := d.ending
	d.deciding.Unlock()
	switch {
	case outcome == messages.Succeeded:
		d.succeeded(running)
	case outcome == messages.Canceled && ending == late:
		d.failed(messages.TimedOut, fmt.Errorf("%w: it ran longer than %v", messages.ErrTaskTimeout, d.feeder.cfg.maxRun))
	case outcome == messages.Canceled && ending == withdrawn:
		d.giveBack(0)
	case outcome == messages.Canceled && ending == given:
		d.record.Begun = true
		d.giveBack(0)
	case (outcome == messages.Canceled || outcome == messages.Dropped) && guard.Is(err, messages.ErrPoolStopped):
		d.feeder.abandon() // the pool was closed
		d.record.Begun = d.record.Begun || outcome == messages.Canceled
		d.giveBack(0)
	case outcome == messages.Dropped && !isFinal(err): // by the overflow policy
		d.giveBack(refusedPause)
	default:
		d.failed(outcome, err)
	}
}

// succeeded settles a task that has been done.
func (d *delivery) succeeded(running running) {
	if d.feeder.queue.results != nil {
		result, err := running.result()
		if err != nil {
			err = fmt.Errorf("write the result: %w", err)
		}
		if err := d.keepResult(messages.Succeeded, result, err); err != nil {
			d.postpone(err) // what cannot be told has not been done
			return
		}
	}
	d.feeder.tally.acked.Add(1)
	d.part(ackDone)
}

// part is the end of a task that is settled. Its record goes when the server knows that:
// without one, what was given back would be taken for lost if the task came again. Of a
// task that was delivered to another node, before or since, that node may have written a
// record after this one looked for it.
func (d *delivery) part(what string) {
	if !d.record.exists && d.meta.NumDelivered == 1 && !d.lapsed() {
		d.answer(what)
		d.feeder.remove(d)
		return
	}
	if err := d.confirm(what); err != nil {
		d.warn("the store may not know of a task that is settled", err)
	} else {
		d.forget()
	}
	d.feeder.remove(d)
}

// failed settles an attempt that has failed: there is another one, or that was the last.
func (d *delivery) failed(outcome messages.Outcome, err error) {
	if d.lapse() {
		return
	}
	d.record.fail(outcome, err)
	delay, again := d.feeder.cfg.again(d.record.Failures, outcome, err)
	if !again {
		d.bury(messages.DeadAttempts)
		return
	}
	d.comeAgain(delay, &d.feeder.tally.retried)
}

// giveBack lets others have the task, which no handler has finished, after a delay.
func (d *delivery) giveBack(delay time.Duration) {
	if d.lapse() {
		return
	}
	d.record.Returned++
	d.comeAgain(delay, &d.feeder.tally.givenBack)
}

// comeAgain has the task delivered again, once its record says why, and counts it.
func (d *delivery) comeAgain(delay time.Duration, count *atomic.Int64) {
	err := d.note()
	d.answer(later(delay))
	if err != nil { // this delivery counts as lost, then
		d.warn("the end of a delivery is not recorded", err)
	} else {
		d.forgetIfSettled()
	}
	count.Add(1)
	d.feeder.remove(d)
}

// refuse gives a task back that has come while the feeder stops.
func (d *delivery) refuse() {
	if d.meta.NumDelivered > 1 {
		if err := d.recall(); err != nil {
			d.postpone(err)
			return
		}
	}
	d.giveBack(0)
}

// lapse reports that the lease is over, since this process was frozen, say: then others
// have the task, or have even settled it, and nothing is to be said of it but that it
// has been done.
func (d *delivery) lapse() bool {
	over := d.lapsed()
	if over {
		d.feeder.remove(d)
	}
	return over
}

func (d *delivery) lapsed() bool {
	d.feeder.mu.Lock()
	defer d.feeder.mu.Unlock()
	return d.lapsedLocked(time.Now())
}

// lapsedLocked reports whether the lease is over. It needs Feeder.mu.
func (d *delivery) lapsedLocked(now time.Time) bool {
	return now.Sub(d.kept) >= d.feeder.queue.settings.Lease
}

// postpone has the task delivered again, when the store may be better.
func (d *delivery) postpone(err error) {
	d.warn("a task is put off", err)
	d.answer(later(refusedPause))
	d.feeder.remove(d)
}

func (d *delivery) warn(text string, err error) {
	q := d.feeder.queue
	q.store.cfg.logger.Warn(text, "queue", q.name, "task", d.task.id, "number", d.meta.Sequence.Stream, "err", err)
}

// again says whether there is another attempt after so many have failed, and when.
func (c *feederConfig) again(failures int, outcome messages.Outcome, err error) (delay time.Duration, again bool) {
	if failures >= c.retry.Attempts {
		return 0, false
	}
	delay = c.retry.Delay(failures)
	switch outcome {
	case messages.Quarantined: // the pool has given it up
		return 0, false
	case messages.Panicked:
		return delay, c.retry.Panics
	}
	if isFinal(err) {
		return 0, false
	}
	if asked, ok := guard.As[*messages.RetryAfterError](err); ok {
		return max(asked.Delay, 0), true
	}
	return delay, c.retry.On == nil || approves(c.retry.On, err)
}

// isFinal reports whether the handler has forbidden a retry, which it also does by naming
// the outcome of its task.
func isFinal(err error) bool {
	_, never := guard.As[*messages.NoRetryError](err)
	return never
}

// approves asks Retry.On. A panic counts as no.
func approves(on func(error) bool, err error) bool {
	yes := false
	return guard.Apart(func() { yes = on(err) }) == nil && yes
}
