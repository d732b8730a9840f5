package jetstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/guard"
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

// refusedPause is how long a task that the pool refused stays in the store.
const refusedPause = time.Second

// submit gives the task to the pool. The propagator, the codec and a custom dispatch are user
// code, and the goroutine of the subscription must survive them.
func (d *delivery) submit() (running running, err error) {
	failed := guard.Apart(func() { running, err = d.tryToSubmit() })
	return running, cmp.Or(failureOf("user code", failed), err)
}

// tryToSubmit gives the task to the pool, as far as that can be done.
func (d *delivery) tryToSubmit() (running, error) {
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
