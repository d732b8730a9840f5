// Cluster is a small cluster on one machine: three NATS servers that store each task
// three times, three workers, and this program, which submits. While they are at work
// it kills a worker and the server that leads the queue, as kill -9 does. Look at the
// last lines: every task that was stored has been done; what the worker had in hand
// when it died may have been done twice.
//
//	go run ./examples/cluster
//
// There is nothing to install: servers and workers are this program itself, started
// again (package local). In production the servers are nats-server's, and the workers
// are where they like.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/troupe-go/troupe/jetstream"
	"github.com/troupe-go/troupe/jetstream/local"
)

const (
	tasks = 300
	pace  = 15 * time.Millisecond // of the submitter

	killWorker    = 60 // tasks that have been submitted when it happens
	killServer    = 120
	restartServer = 240
	report        = 60 // how often it is said who did what
)

func main() {
	local.Main(roles()) // does not return where this is a server or a worker
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func roles() map[string]local.Role { return map[string]local.Role{workerRole: work} }

func run(ctx context.Context, out io.Writer) (err error) {
	directory, err := os.MkdirTemp("", "cluster-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	servers, err := local.Start(ctx, directory, 3)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, servers.Close()) }()
	fmt.Fprintln(out, "three servers:", servers.URLs())

	store, err := jetstream.Open(ctx, jetstream.WithURL(servers.URLs()...), jetstream.Replicas(3),
		jetstream.WithPatience(time.Minute), // Submit waits while the servers elect another leader
		jetstream.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(context.Background())) }()
	// A worker that is not heard of for the lease loses its tasks to the others.
	queue, err := jetstream.NewQueue[int](ctx, store, "pictures", jetstream.Lease(2*time.Second))
	if err != nil {
		return err
	}
	workers := newCrew(servers.URLs())
	defer workers.stop()
	for i := range 3 {
		if err := workers.start(i); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "three workers; %d tasks to submit\n", tasks)

	s := show{out: out, servers: servers, queue: queue, workers: workers}
	if err := s.submit(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "all are submitted; waiting until they are done\n")
	return s.balance(ctx)
}

// A show is what there is to see.
type show struct {
	out     io.Writer
	servers *local.Cluster
	queue   *jetstream.Queue[int]
	workers *crew
	victim  int // the server that was killed
}

// submit submits the tasks, and has accidents happen meanwhile.
func (s *show) submit(ctx context.Context) error {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for n := range tasks {
		if err := s.accident(ctx, n); err != nil {
			return err
		}
		begin := time.Now()
		if _, err := s.queue.Submit(ctx, n); err != nil { // two of three servers have it once it returns
			return err
		}
		if took := time.Since(begin); took > time.Second {
			fmt.Fprintf(s.out, "        the others have elected a leader: Submit waited %.1f s\n", took.Seconds())
		}
		if (n+1)%report == 0 {
			fmt.Fprintf(s.out, "%4d submitted, %s\n", n+1, s.workers.tally())
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// accident is what happens when so many tasks have been submitted.
func (s *show) accident(ctx context.Context, submitted int) error {
	switch submitted {
	case killWorker:
		const second = 1
		if err := s.workers.kill(second); err != nil {
			return err
		}
		fmt.Fprintln(s.out, "        kill -9 worker-2; another one takes its place")
		return s.workers.start(second)
	case killServer:
		stats, err := s.queue.Inspect(ctx)
		if err != nil {
			return err
		}
		leader := stats.Servers[0].Name
		s.victim = slices.Index(s.servers.Names(), leader)
		fmt.Fprintf(s.out, "        kill -9 %s, which leads the queue\n", leader)
		return s.servers.Kill(s.victim)
	case restartServer:
		if err := s.servers.Restart(ctx, s.victim); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "        %s is back and has caught up\n", s.servers.Names()[s.victim])
	}
	return nil
}

// balance waits until the queue is empty, and compares.
func (s *show) balance(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("tasks are left"))
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		stats, err := s.queue.Inspect(ctx)
		if err != nil {
			return err
		}
		if stats.Ready+stats.InHand == 0 {
			s.workers.stop() // what they have said has been heard then
			done, twice := s.workers.counts()
			fmt.Fprintf(s.out, "%4d submitted, %s\n", tasks, s.workers.tally())
			fmt.Fprintf(s.out, "submitted %d = done %d (%d of them twice) + dead letters %d\n", tasks, done, twice, stats.Dead)
			if done != tasks || stats.Dead != 0 {
				return errors.New("it does not balance")
			}
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
