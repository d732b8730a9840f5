// Durable submits work in one process, kills that in the middle with SIGKILL, and starts
// another one on the same directory: it goes on where the first was. Look at the last
// line: every task has been done; what the first process had in hand when it died may
// have been done twice.
//
//	go run ./examples/durable
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/jetstream"
)

const (
	tasks    = 60
	killedAt = 25 // done
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "durable:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch len(args) {
	case 0:
		return show(ctx, os.Stdout)
	case 2: // as show starts it: a directory, and "submit" or "go-on"
		return work(ctx, args[0], args[1] == "submit")
	default:
		return fmt.Errorf("unexpected arguments %q", args)
	}
}

// show runs the two processes, one after the other.
func show(ctx context.Context, out io.Writer) error {
	directory, err := os.MkdirTemp("", "durable-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(directory) }()

	done := make(map[string]int)
	fmt.Fprintf(out, "first process: submits %d tasks and begins\n", tasks)
	if err := process(ctx, directory, "submit", done, killedAt); err != nil {
		return err
	}
	fmt.Fprintf(out, "killed, with %d tasks done\n", len(done))
	fmt.Fprintln(out, "second process: submits nothing and goes on")
	if err := process(ctx, directory, "go-on", done, tasks); err != nil {
		return err
	}
	twice := 0
	for _, times := range done {
		if times > 1 {
			twice++
		}
	}
	fmt.Fprintf(out, "done: %d of %d tasks, %d of them twice\n", len(done), tasks, twice)
	return nil
}

// process starts this program again, counts the tasks that it has done, and kills it when
// so many are done. If they already are, it kills the process at once.
func process(ctx context.Context, directory, what string, done map[string]int, until int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.CommandContext(ctx, self, directory, what)
	child.Stderr = os.Stderr
	lines, err := child.StdoutPipe()
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	scanner := bufio.NewScanner(lines)
	count := func() {
		if id, ok := strings.CutPrefix(scanner.Text(), "done "); ok {
			done[id]++
		}
	}
	for len(done) < until && scanner.Scan() {
		count()
	}
	_ = child.Process.Kill()
	for scanner.Scan() { // the process may have done more before the signal reached it
		count()
	}
	_ = child.Wait() // it was killed
	if len(done) < until {
		return fmt.Errorf("the process ended with %d of %d tasks done", len(done), until)
	}
	return ctx.Err()
}

// work is what each of the processes does, until it is killed.
func work(ctx context.Context, directory string, submits bool) error {
	quiet := slog.New(slog.DiscardHandler) // else the store warns of how the first process ended
	store, err := jetstream.Open(ctx, jetstream.WithDirectory(directory), jetstream.WithLogger(quiet))
	if err != nil {
		return err
	}
	queue, err := jetstream.NewQueue[int](ctx, store, "resize", jetstream.Lease(time.Second))
	if err != nil {
		return err
	}
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return quiet }))
	pool, err := actors.NewPool(system.Root, resize, actors.WithSize(2))
	if err != nil {
		return err
	}
	if submits {
		for n := range tasks {
			if _, err := queue.Submit(ctx, n); err != nil { // stored once it returns
				return err
			}
		}
	}
	if _, err := jetstream.Attach(queue, pool); err != nil {
		return err
	}
	<-ctx.Done()
	return store.Close(context.Background())
}

// resize is the work. What it has done must be the same if it is done again.
func resize(ctx context.Context, picture int) (struct{}, error) {
	select {
	case <-time.After(10 * time.Millisecond):
	case <-ctx.Done():
		return struct{}{}, context.Cause(ctx)
	}
	fmt.Println("done", picture)
	return struct{}{}, nil
}
