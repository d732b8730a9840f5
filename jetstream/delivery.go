package jetstream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/backoff"
	"github.com/troupe-go/troupe/messages"
)

// A Delivery says of a handler's task where it comes from.
type Delivery struct {
	Queue  string
	Number uint64 // of the task in the queue
	// Times is how often the task has been given to a node, this time included. What is
	// beyond 1 was given back, failed, or was lost with its node; see Again.
	Times int
	// Again says that it may have been done before, in part or whole: it failed, was lost,
	// or was given back by a stop that did not wait for its handler.
	Again     bool
	Submitted time.Time
}

type deliveryKey struct{}

// DeliveryFromContext returns the delivery of the task whose handler was given ctx. ok
// is false if it came from no queue.
func DeliveryFromContext(ctx context.Context) (d Delivery, ok bool) {
	d, ok = ctx.Value(deliveryKey{}).(Delivery)
	return d, ok
}

// A delivery is a task that the feeder holds. Whoever calls one of settle's endings
// (acknowledge, again, giveBack, bury) does so once, and with it the feeder holds it no
// longer.
type delivery struct {
	feeder *Feeder
	msg    *nats.Msg
	meta   *nats.MsgMetadata
	level  int
	task   task
	broken error // the task's headers could not all be read
	taken  time.Time
	record record // of earlier deliveries; written before the pool has the task

	running running   // guarded by Feeder.mu; nil: the pool has not got it
	kept    time.Time // guarded by Feeder.mu; when the lease was extended last

	deciding sync.Mutex
	ending   ending // guarded by deciding
}

// ending says why a task was canceled by its feeder.
type ending int

const (
	none      ending = iota
	withdrawn        // it is to be given back, and no handler has begun it
	given            // it is to be given back
	late             // it has run too long
)

// receive takes a task that has come. It is called on the goroutine of a subscription,
// so it must not wait for the server.
func (f *Feeder) receive(msg *nats.Msg, level int) {
	meta, err := metadata(msg)
	if err != nil {
		f.queue.store.cfg.logger.Error("a message that is no task", "queue", f.queue.name, "subject", msg.Subject, "err", err)
		return
	}
	d := &delivery{feeder: f, msg: msg, meta: meta, level: level, taken: time.Now()}
	d.task, d.broken = parse(msg.Header) // whatever becomes of it, it has its ID
	d.kept = d.taken
	switch held, takes := f.add(d); {
	case !held: // the servers have been away: there is no time to write it down
		d.answer(later(0))
	case !takes:
		go d.refuse()
	case meta.NumDelivered > 1:
		go d.resume()
	default:
		d.begin()
	}
}

// resume begins a task that has been delivered before.
func (d *delivery) resume() {
	if err := d.recall(); err != nil { // what is not known must not be counted as lost
		d.postpone(err)
		return
	}
	lost := d.lost()
	switch {
	case d.record.Dead != "": // its node died, or the store failed, before it was one
		d.bury(d.record.Dead)
	case lost >= d.feeder.cfg.lost:
		if d.record.Err == "" {
			d.record.Outcome, d.record.Err = messages.Failed, fmt.Sprintf("lost %d times with its node or its lease", lost)
		}
		d.bury(messages.DeadLost)
	case d.feeder.stops():
		d.giveBack(0)
	default:
		if lost > 0 {
			d.feeder.tally.again.Add(1)
		}
		d.begin()
	}
}

// begin submits the task to the pool.
func (d *delivery) begin() {
	f := d.feeder
	running, err := d.submit()
	switch {
	case err == nil:
		withdraw, cancel := f.begun(d, running)
		go d.follow(running)
		switch {
		case cancel:
			d.cancel(given)
		case withdraw:
			d.withdraw()
		}
	case errors.Is(err, errPayload):
		go func() {
			d.record.fail(messages.Failed, err)
			d.bury(messages.DeadPayload)
		}()
	case errors.Is(err, messages.ErrPoolStopped):
		go d.giveBack(0)
		f.abandon()
	case errors.Is(err, messages.ErrQueueFull), errors.Is(err, messages.ErrNoWorkers),
		errors.Is(err, messages.ErrDeadlineUnreachable):
		go d.giveBack(refusedPause)
	default:
		go d.failed(messages.Failed, err)
	}
}

// refusedPause is how long a task stays in the store that the pool would not have.
const refusedPause = time.Second

// submit gives the task to the pool, as far as that can be done.
func (d *delivery) submit() (_ running, err error) {
	defer recovered("task", &err) // a propagator is the user's
	f := d.feeder
	if d.broken != nil {
		return nil, fmt.Errorf("%w: %w", errPayload, d.broken)
	}
	if name := f.queue.codec.Name(); d.task.codec != name {
		return nil, fmt.Errorf("%w: written by codec %q, not %q", errPayload, d.task.codec, name)
	}
	ctx := context.WithValue(f.queue.traceOf(d.msg.Header), deliveryKey{}, Delivery{
		Queue: f.queue.name, Number: d.meta.Sequence.Stream, Times: int(d.meta.NumDelivered),
		Again: d.lost() > 0 || d.record.Failures > 0 || d.record.Begun, Submitted: d.task.submittedAt(d.meta.Timestamp),
	})
	opts := make([]actors.TaskOption, 0, 5+len(d.task.headers))
	opts = append(opts, actors.NoWait(), actors.ID(d.task.id), actors.Priority(d.level))
	if d.task.key != "" {
		opts = append(opts, actors.Key(d.task.key))
	}
	if d.task.timeout > 0 {
		opts = append(opts, actors.Timeout(d.task.timeout))
	}
	for key, value := range d.task.headers {
		opts = append(opts, actors.Header(key, value))
	}
	return f.pool.begin(ctx, d.msg.Data, opts)
}

// follow waits for what comes of the task.
func (d *delivery) follow(running running) {
	<-running.Done()
	settled := false
	defer func() {
		if !settled { // the methods of an error, a codec or a policy, which are the user's, have
			value := recover()
			d.failed(messages.Failed, fmt.Errorf("what the task came to cannot be told: its goroutine was ended: %v", value))
		}
	}()
	d.settle(running)
	settled = true
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
	case outcome == messages.Canceled, outcome == messages.Dropped && errors.Is(err, messages.ErrPoolStopped):
		d.feeder.abandon() // the pool was closed
		d.record.Begun = d.record.Begun || outcome == messages.Canceled
		d.giveBack(0)
	case outcome == messages.Dropped:
		d.giveBack(refusedPause)
	default:
		d.failed(outcome, err)
	}
}

// withdraw has the task given back if no handler has begun it.
func (d *delivery) withdraw() {
	d.deciding.Lock()
	defer d.deciding.Unlock()
	if d.ending == none && d.running.Withdraw() {
		d.ending = withdrawn
	}
}

// cancel ends the task, which the pool has.
func (d *delivery) cancel(why ending) {
	d.deciding.Lock()
	defer d.deciding.Unlock()
	if d.ending == none {
		d.ending = why
	}
	d.running.Cancel()
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
// without one, what was given back would be taken for lost if the task came again.
func (d *delivery) part(what string) {
	if !d.record.exists {
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
	if err := d.note(); err != nil { // it counts as lost, then
		d.warn("the attempt of a task is not recorded", err)
	}
	d.answer(later(delay))
	d.feeder.tally.retried.Add(1)
	d.feeder.remove(d)
}

// giveBack lets others have the task, which no handler has finished, after a delay.
func (d *delivery) giveBack(delay time.Duration) {
	if d.lapse() {
		return
	}
	d.record.Returned++
	if err := d.note(); err != nil {
		d.warn("the return of a task is not recorded", err)
	}
	d.answer(later(delay))
	d.feeder.tally.givenBack.Add(1)
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
	f := d.feeder
	f.mu.Lock()
	over := d.lapsed(time.Now())
	f.mu.Unlock()
	if over {
		f.remove(d)
	}
	return over
}

// lapsed reports whether the lease is over. The caller holds Feeder.mu.
func (d *delivery) lapsed(now time.Time) bool {
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
	delay = backoff.Backoff{Min: c.retry.Min, Max: c.retry.Max, Jitter: c.retry.Jitter}.Delay(failures - 1)
	switch outcome {
	case messages.Quarantined: // the pool has given it up
		return 0, false
	case messages.Panicked:
		return delay, c.retry.Panics
	}
	if _, never := find[*messages.NoRetryError](err); never {
		return 0, false
	}
	if asked, ok := find[*messages.RetryAfterError](err); ok {
		return max(asked.Delay, 0), true
	}
	return delay, c.retry.On != nil && approves(c.retry.On, err)
}

// approves asks the user's function, whose panic is a no.
func approves(on func(error) bool, err error) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = false
		}
	}()
	return on(err)
}
