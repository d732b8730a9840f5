// Package docs_test has the Go code of README.md and of the pages in docs, so that it
// compiles and does what they say. The code on durable queues is in module jetstream.
package docs_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/dashboard"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
	"github.com/troupe-go/troupe/supervisor"
	"github.com/troupe-go/troupe/telemetry"
)

func Example_dispatch() {
	ctx := context.Background()
	scale := func(_ context.Context, name string) (int, error) { return len(name), nil }

	pool, err := actors.New(scale,
		actors.WithSize(8),
		actors.WithDispatch(router.ConsistentHash()),
		actors.WithQueue(512, actors.Reject))
	if err != nil {
		log.Fatal(err)
	}
	width, err := pool.Ask(ctx, "cat.png", actors.Key("album-7")) // tasks of one album run on one worker, in order

	fmt.Println(width, err)
	pool.Close()
	// Output: 7 <nil>
}

func Example_hedge() {
	ctx := context.Background()
	calls := make(chan bool, 2)
	lookUp := func(ctx context.Context, name string) (string, error) {
		calls <- true
		if len(calls) == 1 { // the first call meets a slow server
			<-ctx.Done()
			return "", ctx.Err()
		}
		return "the address of " + name, nil
	}

	pool, err := actors.New(lookUp,
		actors.WithSize(4),
		actors.WithHedge(20*time.Millisecond))
	if err != nil {
		log.Fatal(err)
	}
	address, err := pool.Ask(ctx, "ada", actors.Idempotent())

	fmt.Println(address, err, pool.Stats().Copies)
	pool.Close()
	// Output: the address of ada <nil> 1
}

func Example_withOutcome() {
	errMoved := errors.New("moved")
	moved := func(url string) bool { return strings.HasPrefix(url, "/old") }

	find := func(_ context.Context, url string) (string, error) {
		if moved(url) {
			return "", actors.WithOutcome(messages.Dropped, errMoved) // nobody wants the old page
		}
		return "the page at " + url, nil
	}
	pool, err := actors.New(find, actors.WithSize(1))
	if err != nil {
		log.Fatal(err)
	}
	_, err = pool.Ask(context.Background(), "/old/1")
	fmt.Println(err)
	pool.Close()
	// Output: troupe: task dropped: moved
}

func Example_cancelWithContext() {
	fetch := func(_ context.Context, url string) (string, error) { return "the page at " + url, nil }
	pool, err := actors.New(fetch, actors.WithSize(1))
	if err != nil {
		log.Fatal(err)
	}
	request, cancel := context.WithCancel(context.Background())
	pool.Pause()

	err = pool.Tell(request, "/page", actors.CancelWithContext())

	fmt.Println(err, pool.Stats().Queued)
	cancel()
	_ = pool.Wait(context.Background())
	fmt.Println("canceled:", pool.Stats().Canceled)
	pool.Close()
	// Output:
	// <nil> 1
	// canceled: 1
}

func Example_autoscale() {
	fetch := func(_ context.Context, url string) (string, error) { return "the page at " + url, nil }

	pool, err := actors.New(fetch, actors.WithAutoscale(supervisor.Autoscale{Min: 4, Max: 64}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(pool.Stats().Size)
	pool.Close()
	// Output: 4
}

type order struct{ table, dish string }

func cook(_ context.Context, o *order) (string, error) {
	if o.dish == "" {
		panic("nothing to cook")
	}
	return "a plate of " + o.dish, nil
}

type restaurant struct {
	kitchen *actor.PID
	served  func(text string)
}

func (r *restaurant) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		r.kitchen = ctx.Spawn(actors.PropsFromHandler(cook, actors.WithSize(4)))
	case *order:
		ctx.Request(r.kitchen, &messages.Task{ID: msg.table, Payload: msg, Timeout: time.Second})
	case *messages.Result: // exactly one for every task, whatever its outcome
		if msg.Err != nil {
			r.served(fmt.Sprint(msg.TaskID, ": ", msg.Outcome, ": ", msg.Err))
			return
		}
		r.served(msg.TaskID + ": " + msg.Value.(string))
	}
}

func Example_restaurant() {
	system := actor.NewActorSystem()
	served := make(chan string)
	pid := system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor {
		return &restaurant{served: func(text string) { served <- text }}
	}))
	for _, dish := range []string{"soup", ""} {
		system.Root.Send(pid, &order{table: "table 7", dish: dish})
		fmt.Println(<-served)
	}
	_ = system.Root.StopFuture(pid).Wait()
	// Output:
	// table 7: a plate of soup
	// table 7: panicked: troupe: handler panicked: nothing to cook
}

// An importer sends the rows of a table to a pool.
type importer struct {
	pool *actor.PID
	next func() (row string, more bool)
	done func(*messages.Result)
}

func (i *importer) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		ctx.Request(i.pool, &messages.NotifyRoom{})
	case *messages.Room: // answered once: when the queue has a free place
		if row, more := i.next(); more {
			ctx.Request(i.pool, row)
			ctx.Request(i.pool, &messages.NotifyRoom{})
		}
	case *messages.Result: // of a row; or the pool has stopped, so it has no room
		i.done(msg)
	}
}

func Example_importer() {
	system := actor.NewActorSystem()
	pool := system.Root.Spawn(actors.PropsFromHandler(func(_ context.Context, row string) (int, error) {
		return len(row), nil
	}, actors.WithSize(1), actors.WithQueue(1, actors.Reject)))
	rows := strings.Fields(strings.Repeat("a row of words ", 25))
	results := make(chan *messages.Result)
	next := func() (row string, more bool) {
		if len(rows) == 0 {
			return "", false
		}
		row, rows = rows[0], rows[1:]
		return row, true
	}
	pid := system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor {
		return &importer{pool: pool, next: next, done: func(r *messages.Result) { results <- r }}
	}))
	imported := 0
	for range 100 {
		if (<-results).Err == nil {
			imported++
		}
	}
	fmt.Println(imported, "rows imported")
	_ = system.Root.StopFuture(pid).Wait()
	_ = system.Root.StopFuture(pool).Wait()
	// Output: 100 rows imported
}

func Example_subscribe() {
	system := actor.NewActorSystem()
	alerts := make(chan any)
	alert := func(_ *actor.PID, reason any) { alerts <- reason }

	cancel := actors.Subscribe(system, "thumbnails", func(event *messages.WorkerRestarted) {
		alert(event.Worker, event.Reason)
	})
	defer cancel()

	pool, err := actors.NewPool(system.Root, func(context.Context, int) (int, error) { panic("no disk") },
		actors.WithName("thumbnails"), actors.WithSize(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = pool.Ask(context.Background(), 1)
	fmt.Println(<-alerts)
	pool.Close()
	// Output: no disk
}

func Example_supervision() {
	errCorrupt := errors.New("corrupt state")
	option := actors.WithSupervision(supervisor.OneForOne(
		supervisor.Restarts(10, time.Minute), // a worker that fails more often is stopped and not replaced
		supervisor.Decider(func(err error) actor.Directive {
			if errors.Is(err, errCorrupt) {
				return actor.StopDirective // the pool starts another worker instead
			}
			return actor.RestartDirective
		}),
	))
	handler := func(context.Context, int) (int, error) { panic(errCorrupt) }
	pool, err := actors.NewPool(actor.NewActorSystem().Root, handler, actors.WithSize(1), option)
	if err != nil {
		log.Fatal(err)
	}
	_, err = pool.Ask(context.Background(), 1)
	fmt.Println(errors.Is(err, errCorrupt))
	pool.Close()
	// Output: true
}

func Example_backoff() {
	option := actors.WithSupervision(supervisor.OneForOne(
		supervisor.Backoff{Min: 100 * time.Millisecond, Max: 30 * time.Second, Jitter: 0.2, ResetAfter: time.Minute},
		supervisor.PoolRestarts(100, time.Hour),
	))
	handler := func(context.Context, int) (int, error) { panic("again") }
	pool, err := actors.NewPool(actor.NewActorSystem().Root, handler, actors.WithSize(2), option)
	if err != nil {
		log.Fatal(err)
	}
	_, err = pool.Ask(context.Background(), 1)
	fmt.Println(err)
	pool.Close()
	// Output: troupe: handler panicked: again
}

func Example_elsewhere() {
	var first string // the worker of the first attempt, whose connection is broken
	query := func(ctx context.Context, q string) (string, error) {
		if first == "" || first == actors.WorkerID(ctx) {
			first = actors.WorkerID(ctx)
			return "", errUnavailable
		}
		return "the result of " + q, nil
	}
	pool, err := actors.New(query, actors.WithSize(4),
		actors.WithRetry(actors.Retry{Attempts: 3, Elsewhere: true}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(pool.Ask(context.Background(), "q1"))
	pool.Close()
	// Output: the result of q1 <nil>
}

var errUnavailable = errors.New("unavailable")

func Example_failures() {
	fetch := func(ctx context.Context, url string) (string, error) {
		if actors.Attempt(ctx) < 3 {
			return "", errUnavailable
		}
		return "the page at " + url, nil
	}
	pool, err := actors.New(fetch,
		actors.WithRetry(actors.Retry{
			Attempts: 5, Min: 50 * time.Millisecond, Max: 10 * time.Second, Jitter: 0.2,
			On:     func(err error) bool { return errors.Is(err, errUnavailable) },
			Panics: true,
		}),
		actors.WithQuarantine(actors.Quarantine{Crashes: 3}),
		actors.WithWatchdog(actors.Watchdog{Grace: 5 * time.Second, Limit: 100}),
		actors.WithBreaker(actors.Breaker{Failures: 5, Cooldown: 10 * time.Second}),
		actors.WithDeadlineCheck())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(pool.Ask(context.Background(), "/"))
	pool.Close()
	// Output: the page at / <nil>
}

type greeter struct{}

func (greeter) Receive(ctx actor.Context) {
	if name, ok := ctx.Message().(string); ok {
		ctx.Respond("hello " + name)
	}
}

func newGreeter() actor.Actor { return greeter{} }

func Example_protoActor() {
	system := actor.NewActorSystem()
	greet := func(pid *actor.PID) {
		answer, err := system.Root.RequestFuture(pid, "world", time.Second).Result()
		if result, ok := answer.(*messages.Result); ok {
			err = result.Err // the pool rejected the message, or the worker panicked
		}
		fmt.Println(answer, err)
		_ = system.Root.StopFuture(pid).Wait()
	}
	{
		pid := system.Root.Spawn(protorouter.NewRoundRobinPool(8, actor.WithProducer(newGreeter)))
		greet(pid)
	}
	{
		pid := system.Root.Spawn(actors.PropsFromProducer(newGreeter, actors.WithSize(8), actors.WithDispatch(router.RoundRobin())))
		greet(pid)
	}
	// Output:
	// hello world <nil>
	// hello world <nil>
}

type purchase struct{ item string }

type buyer struct{ supplier *actor.PID }

func (b *buyer) Receive(ctx actor.Context) {
	if msg, ok := ctx.Message().(*purchase); ok {
		held := actors.Hold(ctx) // the task does not end with Receive
		ctx.ReenterAfter(ctx.RequestFuture(b.supplier, msg.item, time.Second), func(answer any, err error) {
			if err == nil {
				ctx.Respond(answer)
			}
			held.Done(err)
		})
	}
}

func Example_held() {
	system := actor.NewActorSystem()
	supplier := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if item, ok := ctx.Message().(string); ok {
			ctx.Respond("one " + item)
		}
	}))
	newBuyer := func() actor.Actor { return &buyer{supplier} }
	buyers := system.Root.Spawn(actors.PropsFromProducer(newBuyer, actors.WithSize(4), actors.WithMaxHeld(100)))
	fmt.Println(system.Root.RequestFuture(buyers, &purchase{"lamp"}, time.Second).Result())
	_ = system.Root.PoisonFuture(buyers).Wait()
	_ = system.Root.StopFuture(supplier).Wait()
	// Output: one lamp <nil>
}

var errTooMuch = errors.New("that is too much")

type teller struct{}

func (teller) Receive(ctx actor.Context) {
	amount, ok := ctx.Message().(int)
	switch {
	case !ok:
	case amount > 100:
		actors.Fail(ctx, errTooMuch)
	default:
		ctx.Respond("paid")
	}
}

func newTeller() actor.Actor { return teller{} }

func Example_fail() {
	system := actor.NewActorSystem()
	tellers := system.Root.Spawn(actors.PropsFromProducer(newTeller, actors.WithRetry(actors.Retry{
		Attempts: 3,
		On:       func(err error) bool { return !errors.Is(err, errTooMuch) },
	})))
	answer, _ := system.Root.RequestFuture(tellers, 1000, time.Second).Result()
	fmt.Println(answer.(*messages.Result).Err)
	_ = system.Root.StopFuture(tellers).Wait()
	// Output: that is too much
}

func Example_routees() {
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
	office := actor.PropsFromFunc(func(ctx actor.Context) {
		if text, ok := ctx.Message().(string); ok {
			ctx.Respond(text + "ed")
		}
	})
	berlin, paris := system.Root.Spawn(office), system.Root.Spawn(office)

	pool := system.Root.Spawn(actors.PropsFromRoutees([]*actor.PID{berlin, paris},
		actors.WithTaskTimeout(time.Second),
		actors.WithRetry(actors.Retry{Attempts: 2})))
	answer, err := system.Root.RequestFuture(pool, "book", 3*time.Second).Result()

	fmt.Println(answer, err)
	if err := system.Root.StopFuture(pool).Wait(); err != nil {
		log.Fatal(err)
	}
	{
		pid := system.Root.Spawn(protorouter.NewRoundRobinGroup(berlin, paris))
		fmt.Println(system.Root.RequestFuture(pid, "visit", 3*time.Second).Result())
		_ = system.Root.StopFuture(pid).Wait()
	}
	{
		pid := system.Root.Spawn(actors.PropsFromRoutees([]*actor.PID{berlin, paris}, actors.WithDispatch(router.RoundRobin())))
		fmt.Println(system.Root.RequestFuture(pid, "visit", 3*time.Second).Result())
		_ = system.Root.StopFuture(pid).Wait()
	}
	// Output:
	// booked <nil>
	// visited <nil>
	// visited <nil>
}

func Example_telemetry() {
	ctx := context.Background()
	system := actor.NewActorSystem()
	count := func(_ context.Context, text string) (int, error) { return len(strings.Fields(text)), nil }
	registry, logger, provider := prometheus.NewRegistry(), slog.New(slog.DiscardHandler), sdktrace.NewTracerProvider()

	collector, err := telemetry.NewCollector(system)
	if err != nil {
		log.Fatal(err)
	}
	registry.MustRegister(collector) // metrics of all pools, for Prometheus

	stop, err := telemetry.Log(system, logger) // logs one line per failure
	if err != nil {
		log.Fatal(err)
	}

	tracer, err := telemetry.NewTracer(provider) // spans that link the submitter to the handler
	if err != nil {
		log.Fatal(err)
	}
	pool, err := actors.NewPool(system.Root, count, actors.WithName("word-count"), actors.WithTracer(tracer))
	if err != nil {
		log.Fatal(err)
	}
	n, err := pool.Ask(ctx, "to be or not to be")
	pool.Close()
	stop() // all lines are logged
	fmt.Println(n, err)
	// Output: 6 <nil>
}

func thumbnail(context.Context, []byte) ([]byte, error) { return nil, nil }

// mount serves a dashboard forever.
func mount() {
	system := actor.NewActorSystem()
	if _, err := actors.NewPool(system.Root, thumbnail, actors.WithName("thumbnails")); err != nil {
		log.Fatal(err)
	}
	http.Handle("/troupe/", dashboard.New(system)) // see http://localhost:8080/troupe/
	log.Fatal(http.ListenAndServe("localhost:8080", nil))
}

var _ = mount

// A clerk has an order book of its own.
type clerk struct{ book *os.File }

func (c *clerk) Handle(ctx context.Context, order string) (int, error) {
	return fmt.Fprintln(c.book, order)
}

func (c *clerk) Close() error { return c.book.Close() }

func Example_workers() {
	dir, err := os.MkdirTemp("", "clerks")
	if err != nil {
		log.Fatal(err)
	}

	pool, err := actors.NewPoolOf(nil, func(ctx context.Context) (*clerk, error) {
		book, err := os.CreateTemp(dir, "orders-")
		return &clerk{book}, err
	}, actors.WithSize(4))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(pool.Ask(context.Background(), "one tea"))
	pool.Close()
	_ = os.RemoveAll(dir)
	// Output: 8 <nil>
}

func newClerk(context.Context) (*clerk, error) {
	book, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	return &clerk{book}, err
}

func Example_middleware() {
	timed := func(next actors.Handler[string, int]) actors.Handler[string, int] {
		return func(ctx context.Context, order string) (int, error) {
			begun := time.Now()
			defer func() { fmt.Println(order, "took", time.Since(begun) > 0) }()
			return next(ctx, order)
		}
	}
	pool, err := actors.NewPoolOf(nil, newClerk, actors.WithSize(1), actors.WithMiddleware(timed))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(pool.Ask(context.Background(), "one tea"))
	pool.Close()
	// Output:
	// one tea took true
	// 8 <nil>
}

func Example_each() {
	ctx, urls := context.Background(), []string{"/", "/about"}
	pool, err := actors.New(func(_ context.Context, url string) (int, error) { return len(url), nil }, actors.WithSize(1))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	for answer := range pool.Each(ctx, slices.Values(urls)) { // in the order in which the tasks end
		if answer.Err != nil {
			fmt.Println(answer.In, answer.Outcome, answer.Err)
			continue
		}
		fmt.Println(answer.In, "has", answer.Out, "bytes")
	}
	// Output:
	// / has 1 bytes
	// /about has 6 bytes
}

func Example_group() {
	run := func(ctx context.Context, urls []string) error {
		pool, err := actors.New(func(_ context.Context, url string) (int, error) { return len(url), nil })
		if err != nil {
			return err
		}
		defer pool.Close()
		group := pool.Group(ctx, actors.MaxInFlight(100))
		for _, url := range urls {
			if err := group.Submit(url); err != nil { // Wait would return this error as well
				return err
			}
		}
		return group.Wait() // the first error, when all tasks are settled
	}
	fmt.Println(run(context.Background(), []string{"/", "/about"}))
	// Output: <nil>
}

func Example_functions() {
	visit := func(_ context.Context, url string) error {
		if url == "" {
			return errors.New("no url")
		}
		return nil
	}
	run := func(ctx context.Context, urls []string) error {
		functions, err := actors.NewFuncPool(nil, actors.WithSize(8)) // a parent other than nil shares its actor system
		if err != nil {
			return err
		}
		defer functions.Close()

		group := functions.Group(ctx, actors.FailFast())
		for _, url := range urls {
			group.Go(func(ctx context.Context) error { return visit(ctx, url) })
		}
		return group.Wait()
	}
	fmt.Println(run(context.Background(), []string{"/", ""}))
	// Output: no url
}
