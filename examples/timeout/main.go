// Timeout shows what a deadline does to a task that waits and to one that runs.
// Run it:
//
//	go run ./examples/timeout
//
// A timeout bounds a task's whole life, the queue included. Look at the queued
// task: it is taken out of the queue and its handler is never called. Then look at
// the running one: its waiter is told at the deadline, though the handler has not
// returned yet, and the handler learns from context.Cause why it should.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// job is a task whose handler says when it starts and ends when told to.
type job struct {
	name    string
	started chan struct{}
	cause   chan error    // gets why the context ended, if it does
	finish  chan struct{} // lets the handler return
}

func newJob(name string) job {
	return job{name: name, started: make(chan struct{}), cause: make(chan error, 1), finish: make(chan struct{})}
}

func work(ctx context.Context, j job) (string, error) {
	fmt.Println("  handler:", j.name, "starts")
	close(j.started)
	select {
	case <-ctx.Done():
		j.cause <- context.Cause(ctx)
		<-j.finish // this handler is slow to give up
		return "", ctx.Err()
	case <-j.finish:
		return j.name + " is done", nil
	}
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "timeout:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	pool, err := actors.New(work, actors.WithSize(1))
	if err != nil {
		return err
	}
	defer pool.Close()

	fmt.Println("queued: the only worker is busy, so the second task waits too long")
	slow := newJob("slow")
	first, err := pool.Submit(ctx, slow)
	if err != nil {
		return err
	}
	<-slow.started
	_, err = pool.Ask(ctx, newJob("late"), actors.Timeout(2*time.Millisecond))
	fmt.Println("  late:", err)
	show(pool.Stats())
	close(slow.finish)
	answer, err := first.Wait(ctx)
	if err != nil {
		return err
	}
	fmt.Println("  slow:", answer)

	fmt.Println("running: the task starts in time and does not end in time")
	endless := newJob("endless")
	_, err = pool.Ask(ctx, endless, actors.Timeout(500*time.Millisecond))
	fmt.Println("  endless:", err)
	fmt.Println("  is ErrTaskTimeout:", errors.Is(err, messages.ErrTaskTimeout),
		"| is DeadlineExceeded:", errors.Is(err, context.DeadlineExceeded))
	fmt.Println("  its handler's context ended:", <-endless.cause)
	show(pool.Stats()) // the task is settled, but the worker is not free yet
	close(endless.finish)
	if err := pool.Wait(ctx); err != nil { // until the handler has returned
		return err
	}
	show(pool.Stats())
	return nil
}

func show(s messages.Stats) {
	fmt.Printf("  stats: %d queued, %d running, %d succeeded, %d timed out | %d worker busy\n",
		s.Queued, s.Running, s.Succeeded, s.TimedOut, s.Busy)
}
