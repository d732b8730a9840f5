package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/messages"
)

// DurableQueue is what the dashboard shows of a durable queue; *jetstream.Queue is one. Its
// methods are called concurrently, and shall return when their contexts end. What they
// return must not be changed afterwards.
type DurableQueue interface {
	// Name tells the queue from others. It is called once.
	Name() string
	// Inspect says what is in the queue. It is not called again before it has returned.
	Inspect(ctx context.Context) (messages.DurableStats, error)
	// DeadLetters returns dead letters by number: the first of those with a greater number
	// than after, limit at most.
	DeadLetters(ctx context.Context, after uint64, limit int) ([]messages.DeadLetter, error)
	// Requeue submits dead letters again, by their numbers, of which there is one at least.
	// It returns how many it has submitted.
	Requeue(ctx context.Context, numbers ...uint64) (int, error)
	// Delete deletes dead letters, by their numbers, of which there is one at least. It
	// returns how many it has deleted.
	Delete(ctx context.Context, numbers ...uint64) (int, error)
}

// How a durable queue is asked. It is somewhere else, so answers may be late or not come.
const (
	inspectInterval = 2 * time.Second  // between two questions how it is
	inspectTime     = 5 * time.Second  // that it has to say how it is
	staleAfter      = 10 * time.Second // is more than may be between two answers while somebody looks
	maxCalls        = 4                // that requests may have under way in a queue at a time
)

var (
	errEnded    = errors.New("its method ended its goroutine")
	errNoAnswer = errors.New("it does not answer; what was asked for may be done yet")
	errBusy     = errors.New("other requests wait for its answer")
)

// maxFailure is how many bytes of an error each frame has, for as long as the queue is
// unreachable.
const maxFailure = 500

// A durable is a durable queue under the dashboard's eyes.
type durable struct {
	label string
	queue DurableQueue
	calls chan struct{} // has an element for each call of a request

	mu      sync.Mutex
	asking  bool         // guarded by mu; Inspect has not returned
	asked   time.Time    // guarded by mu; when Inspect was called last
	said    time.Time    // guarded by mu; when it returned last
	failure string       // guarded by mu; what it returned then instead of figures
	figures *figuresJSON // guarded by mu; the last there were; what it points to is never written to again
	good    time.Time    // guarded by mu; when they came
}

func newDurable(queue DurableQueue) (*durable, error) {
	if queue == nil {
		return nil, invalid.Option("durable queue is nil")
	}
	name, err := survive(func() (string, error) { return queue.Name(), nil })
	if err != nil {
		return nil, invalid.Option("durable queue has no name: %v", err)
	}
	return &durable{label: strings.ToValidUTF8(name, "\ufffd"), queue: queue, calls: make(chan struct{}, maxCalls)}, nil
}

// inspect has the queue asked how it is, unless it has been lately, or has not answered yet.
func (q *durable) inspect(ctx context.Context, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.asking || now.Sub(q.asked) < inspectInterval-interval/2 { // half a tick early is on time
		return
	}
	q.asking, q.asked = true, now
	go q.ask(ctx)
}

func (q *durable) ask(ctx context.Context) {
	ctx, end := context.WithTimeout(ctx, inspectTime)
	defer end()
	figures, err := survive(func() (*figuresJSON, error) {
		stats, err := q.queue.Inspect(ctx)
		if err != nil {
			return nil, err
		}
		return newFiguresJSON(&stats), nil
	})
	failure, _ := describe(err)
	if err != nil {
		failure = journal.Clip(cmp.Or(failure, "an error without a text"), maxFailure)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asking, q.said, q.failure = false, time.Now(), failure
	if err == nil {
		q.figures, q.good = figures, q.said
	}
}

// askSoon has figures asked for at the next opportunity: they have changed.
func (q *durable) askSoon() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asked = time.Time{}
}

// json is the queue as it is known now.
func (q *durable) json(now time.Time) *queueJSON {
	q.mu.Lock()
	defer q.mu.Unlock()
	j := &queueJSON{Name: q.label, State: reachable, Figures: q.figures}
	if q.figures != nil {
		age := max(now.Sub(q.good), 0).Seconds()
		j.Age = &age
	}
	silent := now.Sub(q.asked)
	switch {
	case q.asking && silent > inspectTime: // whatever its context says
		j.State, j.Error = unreachable, "no answer for "+rough(silent)
	case q.said.IsZero() || now.Sub(q.said) > staleAfter: // nobody looked
		j.State = unknown
	case q.failure != "":
		j.State, j.Error = unreachable, q.failure
	}
	j.Alerts = j.alerts()
	j.Level = worst(j.Alerts)
	return j
}

// survive calls a method of a queue, which is not ours: it may panic, or end its goroutine.
func survive[T any](method func() (T, error)) (value T, err error) {
	failed := guard.Apart(func() { value, err = method() })
	switch {
	case failed == nil:
		return value, err
	case guard.Is(failed, messages.ErrGoexit):
		return value, errEnded
	default:
		return value, fmt.Errorf("its method %w", failed)
	}
}

// call calls a method of a queue for a request, with a context that ends after limit. It
// does not wait for one that takes no notice of that, and so has a few under way at most.
func call[T any](ctx context.Context, q *durable, limit time.Duration, method func(ctx context.Context) (T, error)) (T, error) {
	var none T
	select {
	case q.calls <- struct{}{}:
	default:
		return none, errBusy
	}
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		defer func() { <-q.calls }()
		ctx, end := context.WithTimeout(ctx, limit)
		defer end()
		value, err := survive(func() (T, error) { return method(ctx) })
		answers <- answer{value, err}
	}()
	late := time.NewTimer(limit + interval) // what has been done in time may be told a little later
	defer late.Stop()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-late.C:
		return none, errNoAnswer
	}
}
