package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	js "github.com/nats-io/nats.go/jetstream"
)

// A Queue is a durable queue of tasks with payloads of type In. Any number of
// processes may submit to it, and feed pools from it by [Attach]. All its methods
// may be called by any number of goroutines.
type Queue[In any] struct{ *queue }

// queue is what does not depend on the payload's type.
type queue struct {
	store    *Store
	name     string
	codec    Codec
	settings settings

	tasks     js.Stream     // a work queue: what is acknowledged is gone
	consumers []js.Consumer // by priority
	attempts  js.Stream     // what is known of the earlier attempts of a task, by its sequence
	dead      js.Stream     // dead letters
	results   js.KeyValue   // by ID; nil: none are kept
	nodes     js.KeyValue   // of all queues of the store
}

// metadataKey is where a queue's settings are kept.
const metadataKey = "troupe.settings"

// validName keeps to what streams, buckets and subjects may be called.
var validName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// NewQueue returns the queue of that name, and makes it if there is none. The name
// has 1 to 64 letters, digits, hyphens and underscores. All who use a queue must agree on
// its type: what cannot be read as that is a dead letter.
func NewQueue[In any](ctx context.Context, store *Store, name string, opts ...QueueOption) (*Queue[In], error) {
	if store == nil {
		return nil, invalidOption("store is nil")
	}
	if !validName.MatchString(name) {
		return nil, invalidOption("queue name %q is not 1 to 64 letters, digits, hyphens and underscores", name)
	}
	cfg := queueConfig{codec: JSON{}}
	for _, o := range opts {
		if o == nil {
			return nil, invalidOption("queue option is nil")
		}
		if err := o.apply(&cfg); err != nil {
			return nil, err
		}
	}
	q := &queue{store: store, name: name, codec: cfg.codec}
	if err := store.patiently(ctx, func(ctx context.Context) error { return q.open(ctx, &cfg) }); err != nil {
		return nil, fmt.Errorf("queue %s: %w", name, err)
	}
	return &Queue[In]{q}, nil
}

// Name is the queue's name.
func (q *queue) Name() string { return q.name }

// open finds or makes all that the queue consists of. It may be called again after
// it has failed.
func (q *queue) open(ctx context.Context, cfg *queueConfig) error {
	var err error
	q.settings = defaultSettings()
	q.tasks, err = q.store.js.Stream(ctx, q.stream("tasks"))
	exists := err == nil
	switch {
	case errors.Is(err, js.ErrStreamNotFound):
	case err != nil:
		return err
	default:
		if q.settings, err = stored(q.tasks.CachedInfo()); err != nil {
			return err
		}
	}
	wanted := q.settings
	for _, set := range cfg.set {
		set(&wanted)
	}
	if replicas := q.store.cfg.replicas; replicas > 0 {
		wanted.Replicas = replicas
	}
	if exists && wanted != q.settings && !cfg.reconfigure {
		return fmt.Errorf("%w: it has %+v, wanted %+v", ErrQueueDiffers, q.settings, wanted)
	}
	if exists && wanted.Levels < q.settings.Levels {
		return fmt.Errorf("%w: %d levels cannot become %d", ErrQueueDiffers, q.settings.Levels, wanted.Levels)
	}
	if exists && wanted.bounded() && !q.settings.bounded() {
		return fmt.Errorf("%w: a queue without a bound, which may have delayed tasks, cannot have one", ErrQueueDiffers)
	}
	change := !exists || wanted != q.settings
	q.settings = wanted
	return q.make(ctx, change)
}

// stored are the settings of a queue that exists.
func stored(info *js.StreamInfo) (s settings, err error) {
	text, ok := info.Config.Metadata[metadataKey]
	if !ok {
		return s, fmt.Errorf("%w: stream %s is no queue of ours", ErrQueueDiffers, info.Config.Name)
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("%w: settings %q: %w", ErrQueueDiffers, text, err)
	}
	return s, nil
}

// make brings the queue to its settings, if they are to change, and finds its parts.
// The stream of the tasks is last, for it says that the others are there.
func (q *queue) make(ctx context.Context, change bool) error {
	if err := q.makeAttempts(ctx, change); err != nil {
		return err
	}
	if err := q.makeDead(ctx, change); err != nil {
		return err
	}
	if err := q.makeResults(ctx, change); err != nil {
		return err
	}
	if err := q.makeNodes(ctx); err != nil {
		return err
	}
	if err := q.makeTasks(ctx, change); err != nil {
		return err
	}
	q.consumers = make([]js.Consumer, q.settings.Levels)
	for level := range q.consumers {
		var err error
		if q.consumers[level], err = q.makeConsumer(ctx, level, change); err != nil {
			return err
		}
	}
	return nil
}

func (q *queue) makeTasks(ctx context.Context, change bool) error {
	if !change {
		return nil // it was found
	}
	text, err := json.Marshal(q.settings)
	if err != nil {
		return err
	}
	discard := js.DiscardOld // there is no limit for which it would
	if q.settings.bounded() {
		discard = js.DiscardNew
	}
	q.tasks, err = q.store.js.CreateOrUpdateStream(ctx, js.StreamConfig{
		Name:              q.stream("tasks"),
		Subjects:          []string{q.subject("ready", "*"), q.subject("later", "*", "*")},
		Retention:         js.WorkQueuePolicy,
		Discard:           discard,
		MaxMsgs:           bound(q.settings.MaxTasks),
		MaxBytes:          bound(q.settings.MaxBytes),
		Duplicates:        q.settings.Window,
		Replicas:          q.settings.Replicas,
		AllowDirect:       true,
		AllowMsgSchedules: !q.settings.bounded(),
		Metadata:          map[string]string{metadataKey: string(text)},
	})
	return err
}

// bound is a limit as the server has it.
func bound(limit int64) int64 {
	if limit == 0 {
		return -1
	}
	return limit
}

func (q *queue) makeConsumer(ctx context.Context, level int, change bool) (js.Consumer, error) {
	name := "level-" + strconv.Itoa(level)
	if !change {
		consumer, err := q.tasks.Consumer(ctx, name)
		if !errors.Is(err, js.ErrConsumerNotFound) {
			return consumer, err
		}
	}
	return q.tasks.CreateOrUpdateConsumer(ctx, js.ConsumerConfig{
		Durable:       name,
		FilterSubject: q.ready(level),
		AckPolicy:     js.AckExplicitPolicy,
		AckWait:       q.settings.Lease,
		MaxDeliver:    -1, // else what is past it stays for ever: see attempts
		MaxAckPending: -1, // tasks that wait for another attempt must not hold up the rest
	})
}

// attemptsKept is how long the record of a task's attempts is kept without another
// one: of a task that has its outcome it is deleted, unless its node dies just then.
const attemptsKept = 30 * 24 * time.Hour

// makeAttempts finds or makes the stream of the records. It has no limit of one for each
// task: what the server deletes by such a limit comes back when it has been killed, if
// what took its place has been deleted since.
func (q *queue) makeAttempts(ctx context.Context, change bool) (err error) {
	q.attempts, err = q.part(ctx, change, js.StreamConfig{
		Name:        q.stream("attempts"),
		Subjects:    []string{q.subject("attempts", "*")},
		MaxAge:      attemptsKept,
		AllowDirect: false, // a replica may be behind, and the next node counts by what it reads
	})
	return err
}

func (q *queue) makeDead(ctx context.Context, change bool) (err error) {
	q.dead, err = q.part(ctx, change, js.StreamConfig{
		Name:        q.stream("dead"),
		Subjects:    []string{q.subject("dead", "*")}, // by the task's sequence
		Duplicates:  q.settings.Window,
		AllowDirect: true,
	})
	return err
}

// part finds or makes a stream besides that of the tasks.
func (q *queue) part(ctx context.Context, change bool, cfg js.StreamConfig) (js.Stream, error) {
	if !change {
		stream, err := q.store.js.Stream(ctx, cfg.Name)
		if !errors.Is(err, js.ErrStreamNotFound) { // it may have been only half made
			return stream, err
		}
	}
	cfg.Replicas = q.settings.Replicas
	return q.store.js.CreateOrUpdateStream(ctx, cfg)
}

func (q *queue) makeResults(ctx context.Context, change bool) (err error) {
	if q.settings.Results == 0 {
		q.results = nil
		return nil
	}
	bucket := q.stream("results")
	if !change {
		q.results, err = q.store.js.KeyValue(ctx, bucket)
		if !errors.Is(err, js.ErrBucketNotFound) {
			return err
		}
	}
	q.results, err = q.store.js.CreateOrUpdateKeyValue(ctx, js.KeyValueConfig{
		Bucket: bucket, TTL: q.settings.Results, Replicas: q.settings.Replicas,
	})
	return err
}

// stream is the name of a stream of the queue. The kind comes first: no two queues'
// names can be one's with another kind.
func (q *queue) stream(kind string) string { return "troupe_" + kind + "_" + q.name }

// subject is a subject of the queue.
func (q *queue) subject(kind string, tokens ...string) string {
	return "troupe." + q.name + "." + strings.Join(append([]string{kind}, tokens...), ".")
}

// ready is the subject of the tasks of a priority that may be begun.
func (q *queue) ready(level int) string { return q.subject("ready", strconv.Itoa(level)) }
