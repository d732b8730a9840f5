package actors_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// A scribe writes into a buffer that it uses again for each task.
type scribe struct{ buffer strings.Builder }

func (s *scribe) Handle(_ context.Context, name string) (string, error) {
	s.buffer.Reset()
	fmt.Fprintf(&s.buffer, "Dear %s,", name)
	return s.buffer.String(), nil
}

// Close is called once, when the worker is done.
func (s *scribe) Close() error {
	_, err := fmt.Fprintln(os.Stdout, "closed")
	return err
}

func newScribe(context.Context) (*scribe, error) { return new(scribe), nil }

// Each worker of the pool has a scribe of its own.
func ExampleNewPoolOf() {
	pool, err := actors.NewPoolOf(nil, newScribe, actors.WithSize(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pool.Ask(context.Background(), "Ada"))
	pool.Close()
	<-pool.Done()
	// Output:
	// Dear Ada, <nil>
	// closed
}

// The workers have state, and tasks come from an actor.
func ExamplePropsFromWorkers() {
	system := exampleSystem()
	pid := system.Root.Spawn(actors.PropsFromWorkers(newScribe, actors.WithSize(1)))
	answer, err := system.Root.RequestFuture(pid, "Grace", time.Minute).Result()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answer.(*messages.Result).Value)
	_ = system.Root.StopFuture(pid).Wait()
	// Output:
	// Dear Grace,
	// closed
}

// A pen writes until it is empty.
type pen struct{ strokes int }

func (p *pen) Handle(context.Context, string) (int, error) {
	p.strokes++
	return p.strokes, nil
}

// After two tasks, a worker gets a new pen.
func ExampleWithMaxTasks() {
	newPen := func(context.Context) (*pen, error) { return new(pen), nil }
	pool, err := actors.NewPoolOf(nil, newPen, actors.WithSize(1), actors.WithMaxTasks(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	for _, letter := range []string{"a", "b", "c"} {
		fmt.Println(pool.Ask(context.Background(), letter))
	}
	// Output:
	// 1 <nil>
	// 2 <nil>
	// 1 <nil>
}

// Each worker gets a new scribe every hour, one worker at a time.
func ExampleWithMaxAge() {
	pool, err := actors.NewPoolOf(nil, newScribe, actors.WithSize(1), actors.WithMaxAge(time.Hour))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pool.Ask(context.Background(), "Ada"))
	pool.Close()
	<-pool.Done()
	// Output:
	// Dear Ada, <nil>
	// closed
}

// A scribe that has nothing to do for ten minutes is closed. The next task gets a new one.
func ExampleWithIdleTimeout() {
	pool, err := actors.NewPoolOf(nil, newScribe, actors.WithSize(1), actors.WithIdleTimeout(10*time.Minute))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pool.Ask(context.Background(), "Ada"))
	pool.Close()
	<-pool.Done()
	// Output:
	// Dear Ada, <nil>
	// closed
}

// The middleware refuses tasks without a name before the handler sees them.
func ExampleWithMiddleware() {
	named := func(next actors.Handler[string, string]) actors.Handler[string, string] {
		return func(ctx context.Context, name string) (string, error) {
			if name == "" {
				return "", fmt.Errorf("no name")
			}
			return next(ctx, name)
		}
	}
	greet := func(_ context.Context, name string) (string, error) { return "hello, " + name, nil }
	pool, err := actors.New(greet, actors.WithMiddleware(named))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	fmt.Println(pool.Ask(context.Background(), "Ada"))
	_, err = pool.Ask(context.Background(), "")
	fmt.Println(err)
	// Output:
	// hello, Ada <nil>
	// no name
}

// The handler says which worker runs it.
func ExampleWorkerID() {
	system := exampleSystem()
	where := func(ctx context.Context, _ int) (string, error) { return actors.WorkerID(ctx), nil }
	pool, err := actors.NewPool(system.Root, where, actors.WithSize(1), actors.WithName("kitchen"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	fmt.Println(pool.Ask(context.Background(), 1))
	// Output: kitchen/supervisor/1 <nil>
}
