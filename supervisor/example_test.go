package supervisor_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// A worker that panics is restarted. Whoever waits for the task hears of the
// panic at once; the tasks behind it are done as if nothing had happened.
func ExampleOneForOne() {
	pool, err := actors.NewPool(exampleSystem().Root, hundredBy,
		actors.WithSize(1),
		actors.WithSupervision(supervisor.OneForOne()),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	for _, n := range []int{5, 0, 4} {
		fmt.Println(pool.Ask(context.Background(), n))
	}
	fmt.Println("restarts:", pool.Stats().Restarts)
	// Output:
	// 20 <nil>
	// 0 troupe: handler panicked: runtime error: integer divide by zero
	// 25 <nil>
	// restarts: 1
}

// A budget bounds the restarts of each worker. The one that has spent it is
// stopped and not replaced; a pool without workers says so.
func ExampleRestarts() {
	pool, err := actors.NewPool(exampleSystem().Root, hundredBy,
		actors.WithSize(1),
		actors.WithSupervision(supervisor.OneForOne(supervisor.Restarts(1, time.Hour))),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	for _, n := range []int{0, 4, 0, 4} {
		_, err := pool.Ask(context.Background(), n)
		fmt.Println(n, err == nil, errors.Is(err, messages.ErrNoWorkers))
	}
	// Output:
	// 0 false false
	// 4 true false
	// 0 false false
	// 4 false true
}

// A decider tells failures apart. Its own panic value reaches it through
// errors.Is and errors.As.
func ExampleDecider() {
	errStale := errors.New("stale connection")
	handler := func(_ context.Context, n int) (int, error) {
		if n < 0 {
			panic(errStale)
		}
		return 100 / n, nil
	}
	directives := make(chan string, 1)
	decide := func(err error) actor.Directive {
		if errors.Is(err, errStale) {
			directives <- "stop, and have it replaced"
			return actor.StopDirective
		}
		directives <- "restart"
		return actor.RestartDirective
	}
	pool, err := actors.NewPool(exampleSystem().Root, handler,
		actors.WithSize(2),
		actors.WithSupervision(supervisor.OneForOne(supervisor.Decider(decide))),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	for _, n := range []int{0, -1} {
		_, err := pool.Ask(context.Background(), n)
		fmt.Println(err)
		fmt.Println(" ", <-directives)
	}
	// Output:
	// troupe: handler panicked: runtime error: integer divide by zero
	//   restart
	// troupe: handler panicked: stale connection
	//   stop, and have it replaced
}

// All workers are restarted when one has failed, for those that share what may
// be broken now.
func ExampleAllForOne() {
	system := exampleSystem()
	restarted := make(chan *messages.WorkerRestarted, 3)
	events := system.EventStream.Subscribe(func(event any) {
		if e, ok := event.(*messages.WorkerRestarted); ok {
			restarted <- e
		}
	})
	defer system.EventStream.Unsubscribe(events)

	pool, err := actors.NewPool(system.Root, hundredBy,
		actors.WithSize(3),
		actors.WithSupervision(supervisor.AllForOne()),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	_, err = pool.Ask(context.Background(), 0)
	fmt.Println(err)
	causes := 0
	for range 3 {
		if e := <-restarted; e.Reason != nil {
			causes++
		}
	}
	fmt.Println("3 restarted,", causes, "for its own failure")
	// Output:
	// troupe: handler panicked: runtime error: integer divide by zero
	// 3 restarted, 1 for its own failure
}

// The strategy of the pool's parent is asked. What it decides is for the pool as
// a whole; here it lets the pool go on.
func ExampleEscalate() {
	system := exampleSystem()
	asked := make(chan any, 1)
	strategy := actor.NewOneForOneStrategy(1, time.Minute, func(reason any) actor.Directive {
		asked <- reason
		return actor.ResumeDirective
	})
	results := make(chan *messages.Result, 1)
	parent := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch msg := ctx.Message().(type) {
		case *actor.Started:
			pool := ctx.Spawn(actors.PropsFromHandler(hundredBy,
				actors.WithSize(1), actors.WithSupervision(supervisor.Escalate())))
			ctx.Request(pool, 0)
			ctx.Request(pool, 4)
		case *messages.Result:
			results <- msg
		}
	}, actor.WithSupervisor(strategy)))

	fmt.Println((<-results).Outcome)
	fmt.Println("the parent's strategy is asked about:", <-asked)
	fmt.Println((<-results).Value)
	if err := system.Root.StopFuture(parent).Wait(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// panicked
	// the parent's strategy is asked about: runtime error: integer divide by zero
	// 25
}

// What cannot work is an error of the pool that is given the strategy.
func ExampleStrategy_Validate() {
	fmt.Println(supervisor.OneForOne(supervisor.Restarts(-1, time.Minute)).Validate())
	// Output: troupe: invalid option: -1 restarts
}

func hundredBy(_ context.Context, n int) (int, error) { return 100 / n, nil }

// exampleSystem returns an actor system that does not log.
func exampleSystem() *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond), // the goroutine of a dead letter lives as long
	)
}

// Restarts are delayed by 20, 40, 80 … milliseconds.
func ExampleBackoff() {
	system := exampleSystem()
	restarted := make(chan time.Time, 10)
	events := system.EventStream.Subscribe(func(event any) {
		if _, ok := event.(*messages.WorkerRestarted); ok {
			restarted <- time.Now()
		}
	})
	defer system.EventStream.Unsubscribe(events)

	handler := func(context.Context, int) (int, error) { panic("again") }
	pool, err := actors.NewPool(system.Root, handler, actors.WithSize(1), actors.WithSupervision(
		supervisor.Backoff{Min: 20 * time.Millisecond, Max: time.Minute, ResetAfter: time.Hour}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	for n := range 3 {
		began := time.Now()
		_, _ = pool.Ask(context.Background(), n)
		fmt.Println((<-restarted).Sub(began) >= 20*time.Millisecond<<n)
	}
	// Output:
	// true
	// true
	// true
}

// A pool that has spent its restarts goes on with the workers that are left.
func ExamplePoolRestarts() {
	system := exampleSystem()
	degraded := make(chan *messages.Degraded, 1)
	events := system.EventStream.Subscribe(func(event any) {
		if e, ok := event.(*messages.Degraded); ok {
			degraded <- e
		}
	})
	defer system.EventStream.Unsubscribe(events)

	handler := func(_ context.Context, n int) (int, error) { return 100 / n, nil }
	pool, err := actors.NewPool(system.Root, handler, actors.WithSize(4), actors.WithSupervision(
		supervisor.OneForOne(supervisor.PoolRestarts(2, time.Minute))))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	for range 3 {
		_, _ = pool.Ask(context.Background(), 0)
	}
	event := <-degraded
	fmt.Println(event.Reason+":", event.Size, "left,", event.Lost, "lost")
	fmt.Println(pool.Ask(context.Background(), 5))
	// Output:
	// the pool's restarts spent: 3 left, 1 lost
	// 20 <nil>
}
