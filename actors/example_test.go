package actors_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

func ExampleNewPool() {
	shout := func(_ context.Context, s string) (string, error) { return strings.ToUpper(s), nil }
	pool, err := actors.NewPool(exampleSystem().Root, shout, actors.WithName("shouters"), actors.WithSize(4))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	fmt.Println(pool.Ask(context.Background(), "bravo"))
	fmt.Println(pool.PID().Id, pool.Stats().Size)
	// Output:
	// BRAVO <nil>
	// shouters 4
}

// What makes no sense is an error that names the value.
func ExampleNewPool_invalid() {
	_, err := actors.NewPool(exampleSystem().Root, twice, actors.WithSize(0))
	fmt.Println(err)
	fmt.Println(errors.Is(err, messages.ErrInvalidOption))
	// Output:
	// troupe: invalid option: size 0 < 1
	// true
}

// A handler that panics gives its asker a *messages.PanicError. The pool goes on.
func ExamplePool_Ask() {
	pool, err := actors.NewPool(exampleSystem().Root, hundredBy)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	ctx := context.Background()
	fmt.Println(pool.Ask(ctx, 4))
	_, err = pool.Ask(ctx, 0)
	if p, ok := errors.AsType[*messages.PanicError](err); ok {
		fmt.Println("panicked:", p.Value)
	}
	fmt.Println(pool.Ask(ctx, 5))
	// Output:
	// 25 <nil>
	// panicked: runtime error: integer divide by zero
	// 20 <nil>
}

func ExamplePool_Submit() {
	pool, err := actors.NewPool(exampleSystem().Root, twice)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	ctx := context.Background()
	future, err := pool.Submit(ctx, 21) // returns when the task is accepted
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(future.Wait(ctx)) // returns when it is done
	// Output: 42 <nil>
}

// Nobody waits for the answer of a Tell, so Wait waits for all there are.
func ExamplePool_Tell() {
	pool, err := actors.NewPool(exampleSystem().Root, twice)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	ctx := context.Background()
	for n := range 100 {
		if err := pool.Tell(ctx, n); err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := pool.Wait(ctx); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pool.Stats().Succeeded)
	// Output: 100
}

// The answers come in the order of the inputs. An error takes the place of its
// answer, and the rest go on.
func ExamplePool_Map() {
	pool, err := actors.NewPool(exampleSystem().Root, hundredBy, actors.WithSize(3))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	for quotient, err := range pool.Map(context.Background(), slices.Values([]int{1, 2, 0, 4})) {
		fmt.Println(quotient, err)
	}
	// Output:
	// 100 <nil>
	// 50 <nil>
	// 0 troupe: handler panicked: runtime error: integer divide by zero
	// 25 <nil>
}

func ExamplePool_Resize() {
	pool, err := actors.NewPool(exampleSystem().Root, twice, actors.WithSize(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	if err := pool.Resize(context.Background(), 8); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pool.Stats().Size)
	// Output: 8
}

func ExamplePool_Pause() {
	pool, err := actors.NewPool(exampleSystem().Root, twice, actors.WithSize(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	pool.Pause() // tasks are accepted and wait
	ctx := context.Background()
	future, err := pool.Submit(ctx, 4)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("queued:", pool.Stats().Queued)
	pool.Resume()
	fmt.Println(future.Wait(ctx))
	// Output:
	// queued: 1
	// 8 <nil>
}

// Shutdown finishes what was accepted, and refuses the rest.
func ExamplePool_Shutdown() {
	pool, err := actors.NewPool(exampleSystem().Root, twice, actors.WithSize(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	pool.Pause() // Shutdown ends the pause
	for n := range 5 {
		if err := pool.Tell(ctx, n); err != nil {
			fmt.Println(err)
			return
		}
	}
	report, err := pool.Shutdown(ctx)
	fmt.Println(report.Finished, "finished,", report.Dropped, "dropped,", err)
	fmt.Println(pool.Tell(ctx, 5))
	// Output:
	// 5 finished, 0 dropped, <nil>
	// troupe: pool stopped
}

// Close cancels what runs and drops what waits.
func ExamplePool_Close() {
	started := make(chan struct{})
	pool, err := actors.NewPool(exampleSystem().Root, func(ctx context.Context, _ int) (int, error) {
		close(started)
		<-ctx.Done()
		return 0, context.Cause(ctx)
	}, actors.WithSize(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	for n := range 3 {
		if err := pool.Tell(context.Background(), n); err != nil {
			fmt.Println(err)
			return
		}
	}
	<-started
	report := pool.Close()
	fmt.Println(report.Canceled, "canceled,", report.Dropped, "dropped")
	// Output: 1 canceled, 2 dropped
}

// A task that is canceled while it waits is taken out of the queue.
func ExampleFuture_Cancel() {
	pool, err := actors.NewPool(exampleSystem().Root, twice)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	pool.Pause()
	ctx := context.Background()
	future, err := pool.Submit(ctx, 4)
	if err != nil {
		fmt.Println(err)
		return
	}
	future.Cancel()
	_, err = future.Wait(ctx)
	fmt.Println(err, errors.Is(err, messages.ErrCanceled))
	fmt.Println("queued:", pool.Stats().Queued)
	// Output:
	// troupe: task canceled true
	// queued: 0
}

func ExamplePriority() {
	say := func(_ context.Context, s string) (string, error) {
		fmt.Println(s)
		return s, nil
	}
	pool, err := actors.NewPool(exampleSystem().Root, say, actors.WithSize(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	pool.Pause()
	ctx := context.Background()
	err = errors.Join(
		pool.Tell(ctx, "low", actors.Priority(-1)),
		pool.Tell(ctx, "normal"),
		pool.Tell(ctx, "high", actors.Priority(1)),
		pool.Tell(ctx, "high, but later", actors.Priority(1)),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	pool.Resume()
	if err := pool.Wait(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// high
	// high, but later
	// normal
	// low
}

// The timeout bounds the task's whole life. Here it runs out in the queue.
func ExampleTimeout() {
	pool, err := actors.NewPool(exampleSystem().Root, twice)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	pool.Pause()
	_, err = pool.Ask(context.Background(), 4, actors.Timeout(time.Millisecond))
	fmt.Println(err)
	fmt.Println(errors.Is(err, messages.ErrTaskTimeout), errors.Is(err, context.DeadlineExceeded))
	// Output:
	// troupe: task timed out
	// true true
}

// Tasks of one key go to one worker, in order.
func ExampleKey() {
	var log []string // of one user; only that user's worker appends to it
	write := func(_ context.Context, line string) (int, error) {
		log = append(log, line)
		return len(log), nil
	}
	pool, err := actors.NewPool(exampleSystem().Root, write,
		actors.WithSize(4), actors.WithDispatch(router.ConsistentHash()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	ctx := context.Background()
	for _, line := range []string{"enters", "speaks", "leaves"} {
		if err := pool.Tell(ctx, line, actors.Key("Ada")); err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := pool.Wait(ctx); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(log)
	// Output: [enters speaks leaves]
}

// A handler that wants the attributes of its task finds them by its context.
func ExampleTaskFromContext() {
	pool, err := actors.NewPool(exampleSystem().Root, func(ctx context.Context, page string) (string, error) {
		task, _ := actors.TaskFromContext(ctx)
		return task.ID + ": " + page + " in " + task.Headers["language"], nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	fmt.Println(pool.Ask(context.Background(), "index", actors.ID("task-7"), actors.Header("language", "Welsh")))
	// Output: task-7: index in Welsh <nil>
}

// NoWait fails where a submission would have to wait for room.
func ExampleNoWait() {
	pool, err := actors.NewPool(exampleSystem().Root, twice, actors.WithQueue(1, actors.Block))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	pool.Pause()
	ctx := context.Background()
	fmt.Println(pool.Tell(ctx, 1))
	err = pool.Tell(ctx, 2, actors.NoWait())
	fmt.Println(err, errors.Is(err, messages.ErrQueueFull))
	// Output:
	// <nil>
	// troupe: queue full: capacity 1 true
}

// The queue is full after two tasks; the third makes the oldest give way.
func ExampleWithQueue() {
	pool, err := actors.NewPool(exampleSystem().Root, twice, actors.WithQueue(2, actors.DropOldest))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	pool.Pause()
	ctx := context.Background()
	var futures []*actors.Future[int]
	for n := range 3 {
		future, err := pool.Submit(ctx, n)
		if err != nil {
			fmt.Println(err)
			return
		}
		futures = append(futures, future)
	}
	pool.Resume()
	for _, future := range futures {
		fmt.Println(future.Wait(ctx))
	}
	// Output:
	// 0 troupe: task dropped
	// 2 <nil>
	// 4 <nil>
}

// Any strategy of Proto.Actor will do, too.
func ExampleWithSupervision() {
	reasons := make(chan any, 1)
	strategy := actor.NewOneForOneStrategy(10, time.Minute, func(reason any) actor.Directive {
		reasons <- reason
		return actor.RestartDirective
	})
	pool, err := actors.NewPool(exampleSystem().Root, hundredBy, actors.WithSupervision(strategy))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	if err := pool.Tell(context.Background(), 0); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("restart after:", <-reasons)
	// Output: restart after: runtime error: integer divide by zero
}

// At the health interval the pool publishes its statistics.
func ExampleWithHealth() {
	system := exampleSystem()
	snapshots := make(chan *messages.Stats, 1)
	events := system.EventStream.Subscribe(func(event any) {
		if stats, ok := event.(*messages.Stats); ok {
			select {
			case snapshots <- stats:
			default: // a subscriber must not keep the pool's actors waiting
			}
		}
	})
	defer system.EventStream.Unsubscribe(events)

	pool, err := actors.NewPool(system.Root, twice,
		actors.WithName("doublers"), actors.WithSize(3), actors.WithHealth(time.Millisecond))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	stats := <-snapshots
	fmt.Println(stats.Pool, stats.Size)
	// Output: doublers 3
}

// A handler counts what it likes. The sums are in the statistics.
func ExampleReport() {
	pool, err := actors.NewPool(exampleSystem().Root, func(ctx context.Context, text string) (int, error) {
		words := len(strings.Fields(text))
		return words, actors.Report(ctx, "words", int64(words))
	}, actors.WithSize(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	for _, err := range pool.Map(context.Background(), slices.Values([]string{"to be", "or not to be"})) {
		if err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(pool.Stats().Custom["words"])
	// Output: 6
}

// A pool with a handler, as a child of an application actor. Each task that it is
// sent with a sender is answered with one *messages.Result.
func ExamplePropsFromHandler() {
	system := exampleSystem()
	results := make(chan *messages.Result)
	app := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch msg := ctx.Message().(type) {
		case *actor.Started:
			pool := ctx.Spawn(actors.PropsFromHandler(hundredBy, actors.WithSize(1)))
			for _, n := range []int{5, 0, 4} {
				ctx.Request(pool, &messages.Task{Payload: n})
			}
		case *messages.Result:
			results <- msg
		}
	}))
	for range 3 {
		result := <-results
		fmt.Println(result.TaskID, result.Outcome, result.Value)
	}
	if err := system.Root.StopFuture(app).Wait(); err != nil { // and the pool with it
		fmt.Println(err)
	}
	// Output:
	// 1 succeeded 20
	// 2 panicked <nil>
	// 3 succeeded 25
}

// A pool whose workers are actors of the user's own. A worker receives messages
// as they were sent, and responds as any actor does.
func ExamplePropsFromProducer() {
	newGreeter := func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if name, ok := ctx.Message().(string); ok {
				ctx.Respond("Welcome, " + name + "!")
			}
		})
	}
	root := exampleSystem().Root
	pool := root.Spawn(actors.PropsFromProducer(newGreeter, actors.WithSize(3)))

	fmt.Println(root.RequestFuture(pool, "Ada", time.Minute).Result())
	if err := root.StopFuture(pool).Wait(); err != nil {
		fmt.Println(err)
	}
	// Output: Welcome, Ada! <nil>
}

// A middleware around every worker.
func ExampleWithWorkerProps() {
	trace := func(next actor.ReceiverFunc) actor.ReceiverFunc {
		return func(ctx actor.ReceiverContext, envelope *actor.MessageEnvelope) {
			if name, ok := envelope.Message.(string); ok {
				fmt.Println("before", name)
			}
			next(ctx, envelope)
		}
	}
	newGreeter := func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if name, ok := ctx.Message().(string); ok {
				ctx.Respond("Welcome, " + name + "!")
			}
		})
	}
	root := exampleSystem().Root
	pool := root.Spawn(actors.PropsFromProducer(newGreeter,
		actors.WithWorkerProps(actor.WithReceiverMiddleware(trace))))

	fmt.Println(root.RequestFuture(pool, "Ada", time.Minute).Result())
	if err := root.StopFuture(pool).Wait(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// before Ada
	// Welcome, Ada! <nil>
}

func twice(_ context.Context, n int) (int, error) { return 2 * n, nil }

func hundredBy(_ context.Context, n int) (int, error) { return 100 / n, nil }

// exampleSystem returns an actor system that does not log.
func exampleSystem() *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond), // the goroutine of a dead letter lives as long
	)
}
