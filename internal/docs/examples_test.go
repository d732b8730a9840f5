// Package readme_test has the code of README.md, so that it compiles and does
// what README says; but for that of durable queues, which is in their module.
package readme_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/dashboard"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
	"github.com/troupe-go/troupe/supervisor"
	"github.com/troupe-go/troupe/telemetry"
)

const root = "../.."

func Example_typedPool() {
	ctx := context.Background()

	count := func(_ context.Context, text string) (int, error) {
		return len(strings.Fields(text)), nil
	}
	pool, err := actors.NewPool(actor.NewActorSystem().Root, count,
		actors.WithName("word-count"),
		actors.WithSize(actors.SizeCPU()),
		actors.WithQueue(256, actors.Block),
		actors.WithTaskTimeout(time.Second))
	if err != nil {
		log.Fatal(err) // an option that makes no sense, or a name that is taken
	}

	n, err := pool.Ask(ctx, "to be or not to be") // wait for the answer
	fmt.Println(n, err)

	future, err := pool.Submit(ctx, "that is the question", actors.Priority(5)) // collect it later
	if err != nil {
		log.Fatal(err) // rejected: the task never entered
	}
	n, err = future.Wait(ctx)
	fmt.Println(n, err)

	err = pool.Tell(ctx, "exeunt") // no answer wanted
	fmt.Println(err)

	lines := []string{"brevity is the soul of wit", "more matter with less art"}
	for n, err := range pool.Map(ctx, slices.Values(lines)) { // answers in the order of the input
		fmt.Println(n, err)
	}

	_, err = pool.Shutdown(ctx) // refuse, drain, stop
	stats := pool.Stats()
	fmt.Println(stats.Submitted, stats.Succeeded, err)
	// Output:
	// 6 <nil>
	// 4 <nil>
	// <nil>
	// 6 <nil>
	// 5 <nil>
	// 5 5 <nil>
}

type order struct{ dish string }

func cook(_ context.Context, o *order) (string, error) {
	if o.dish == "" {
		panic("nothing to cook")
	}
	return "a plate of " + o.dish, nil
}

type restaurant struct {
	kitchen *actor.PID
	served  chan<- string
}

func (r *restaurant) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		r.kitchen = ctx.Spawn(actors.PropsFromHandler(cook, actors.WithSize(4))) // a child like any other
	case *order:
		ctx.Request(r.kitchen, &messages.Task{Payload: msg, Timeout: time.Second})
	case *messages.Result: // one for every task: success, error, panic, timeout or rejection
		if msg.Err != nil {
			r.served <- fmt.Sprint(msg.Outcome, ": ", msg.Err)
			return
		}
		r.served <- msg.Value.(string)
	}
}

func Example_actorProgram() {
	system := actor.NewActorSystem()
	served := make(chan string)
	pid := system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { return &restaurant{served: served} }))
	for _, dish := range []string{"soup", ""} {
		system.Root.Send(pid, &order{dish: dish})
		fmt.Println(<-served)
	}
	_ = system.Root.StopFuture(pid).Wait()
	// Output:
	// a plate of soup
	// panicked: troupe: handler panicked: nothing to cook
}

func Example_supervision() {
	errCorrupt := errors.New("corrupt state")
	option := actors.WithSupervision(supervisor.OneForOne(
		supervisor.Restarts(10, time.Minute), // then the worker is stopped, and not replaced
		supervisor.Decider(func(err error) actor.Directive {
			if errors.Is(err, errCorrupt) {
				return actor.StopDirective // the pool starts another in its place
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

var errUnavailable = errors.New("unavailable")

func Example_whenThingsGoWrong() {
	system := actor.NewActorSystem()
	fetch := func(ctx context.Context, url string) (string, error) {
		if actors.Attempt(ctx) < 3 {
			return "", errUnavailable
		}
		return "the page at " + url, nil
	}
	pool, err := actors.NewPool(system.Root, fetch,
		actors.WithRetry(actors.Retry{
			Attempts: 5, Min: 50 * time.Millisecond, Max: 10 * time.Second, Jitter: 0.2,
			On:     func(err error) bool { return errors.Is(err, errUnavailable) },
			Panics: true,
		}),
		actors.WithQuarantine(actors.Quarantine{Crashes: 3}),
		actors.WithWatchdog(actors.Watchdog{Grace: 5 * time.Second, Limit: 100}),
		actors.WithBreaker(actors.Breaker{Failures: 5, Cooldown: 10 * time.Second}),
		actors.WithAutoscale(supervisor.Autoscale{Min: 4, Max: 64}),
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

	// before
	before := system.Root.Spawn(protorouter.NewRoundRobinPool(8, actor.WithProducer(newGreeter)))
	// after
	after := system.Root.Spawn(actors.PropsFromProducer(newGreeter, actors.WithSize(8), actors.WithDispatch(router.RoundRobin())))

	for _, pid := range []*actor.PID{before, after} {
		fmt.Println(system.Root.RequestFuture(pid, "world", time.Second).Result())
		_ = system.Root.StopFuture(pid).Wait()
	}
	// Output:
	// hello world <nil>
	// hello world <nil>
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

	stop, err := telemetry.Log(system, logger) // a line for what goes wrong
	if err != nil {
		log.Fatal(err)
	}

	tracer, err := telemetry.NewTracer(provider) // spans from the submitter to the handler
	if err != nil {
		log.Fatal(err)
	}
	pool, err := actors.NewPool(system.Root, count, actors.WithName("word-count"), actors.WithTracer(tracer))
	if err != nil {
		log.Fatal(err)
	}
	n, err := pool.Ask(ctx, "to be or not to be")
	pool.Close()
	stop() // what there was to log is logged
	fmt.Println(n, err)
	// Output: 6 <nil>
}

func thumbnail(context.Context, []byte) ([]byte, error) { return nil, nil }

// mount is how a dashboard is mounted. It serves for ever.
func mount() {
	system := actor.NewActorSystem()
	if _, err := actors.NewPool(system.Root, thumbnail, actors.WithName("thumbnails")); err != nil {
		log.Fatal(err)
	}
	http.Handle("/troupe/", dashboard.New(system)) // see http://localhost:8080/troupe/
	log.Fatal(http.ListenAndServe("localhost:8080", nil))
}

var _ = mount

// TestSnippets holds README's Go to that of this file, line by line but for the
// indentation.
func TestSnippets(t *testing.T) {
	code := "\n" + flat(read(t, "readme_test.go")) + "\n" + flat(read(t, root+"/jetstream/readme_test.go")) + "\n"
	snippets := regexp.MustCompile("(?s)```go\n(.*?)\n```").FindAllStringSubmatch(read(t, root+"/README.md"), -1)
	require.NotEmpty(t, snippets)
	for _, snippet := range snippets {
		assert.Contains(t, code, "\n"+flat(snippet[1])+"\n")
	}
}

// TestReferences looks for the files and the tests that README names.
func TestReferences(t *testing.T) {
	readme := read(t, root+"/README.md")
	prose := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(readme, "")
	for _, link := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(prose, -1) {
		found, err := filepath.Glob(filepath.Join(root, link[1]))
		require.NoError(t, err)
		assert.NotEmpty(t, found, link[1])
	}
	tests := testNames(t)
	for _, name := range regexp.MustCompile(`\bTest[A-Z]\w*`).FindAllString(readme, -1) {
		assert.True(t, tests[name], name)
	}
}

func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	declaration := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			for _, name := range declaration.FindAllStringSubmatch(read(t, path), -1) {
				names[name[1]] = true
			}
		}
		return err
	})
	require.NoError(t, err)
	return names
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

// flat removes the indentation of text.
func flat(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}
