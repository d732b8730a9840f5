package actors_test

import (
	"context"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/router"
)

// The benchmarks of this file do the same work with Troupe and with another in one
// process, by turns, and report the median of the ratios turn by turn, so that a
// noisy machine hurts both alike:
//
//	go test -run '^$' -bench Ratio ./actors
//
// They are a guard. The module in benchmarks/ has the comparison with other pools.
const (
	ratioWorkers = 64
	ratioTurns   = 21
)

// grossLoss is the share of the bare channel's time at which something must be badly
// wrong: twice what Tell takes of it in the mean of docs/benchmarks.md. A time of its
// own would only tell machines apart.
const grossLoss = 4

// routerLoss is the share of Proto.Actor's time at which something must be badly wrong
// with early binding: about three times the share that Troupe is held to.
const routerLoss = 2

// BenchmarkRatioChannel compares Tell with a send to goroutines that receive from a
// buffered channel, which is the least that a pool can be. It fails at a gross loss.
func BenchmarkRatioChannel(b *testing.B) {
	const tasks = 100_000
	var left atomic.Int64
	done := make(chan struct{})
	work := func(_ context.Context, in int) (int, error) {
		if left.Add(-1) == 0 {
			done <- struct{}{}
		}
		return in, nil
	}
	pool, err := actors.NewPool(pooltest.System().Root, work, actors.WithSize(ratioWorkers))
	require.NoError(b, err)
	defer pool.Close()
	tell := func() {
		left.Store(tasks)
		for i := range tasks {
			if err := pool.Tell(context.Background(), i); err != nil {
				b.Fatal(err)
			}
		}
		<-done
	}

	channel := make(chan int, actors.DefaultCapacity)
	defer close(channel)
	for range ratioWorkers {
		go func() {
			for in := range channel {
				_, _ = work(context.Background(), in)
			}
		}()
	}
	send := func() {
		left.Store(tasks)
		for i := range tasks {
			channel <- i
		}
		<-done
	}

	if share := ratio(b, tasks, "channel", tell, send); share > grossLoss {
		b.Errorf("Tell takes %.1f times as long as a bare channel, more than %d times", share, grossLoss)
	}
}

// BenchmarkRatioTell compares Tell with a send through Proto.Actor's round-robin
// router. Both hand an int to a worker, and both are over when the last one has been
// dealt with. The target is at most 1.
func BenchmarkRatioTell(b *testing.B) {
	const tasks = 100_000
	pool := ratioPool(b)
	tell := func() {
		for i := range tasks {
			if err := pool.Tell(context.Background(), i); err != nil {
				b.Fatal(err)
			}
		}
		_ = pool.Wait(context.Background())
	}

	system := pooltest.System()
	var left atomic.Int64
	done := make(chan struct{})
	pid := system.Root.Spawn(protorouter.NewRoundRobinPool(ratioWorkers, actor.WithFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(int); ok && left.Add(-1) == 0 {
			done <- struct{}{}
		}
	})))
	send := func() {
		left.Store(tasks)
		for i := range tasks {
			system.Root.Send(pid, i)
		}
		<-done
	}

	ratio(b, tasks, "protoactor", tell, send)
	b.ReportMetric(testing.AllocsPerRun(tasks, func() { _ = pool.Tell(context.Background(), 1) }), "allocs/Tell")
}

// BenchmarkRatioRoundRobin compares Tell under round-robin with a send through
// Proto.Actor's round-robin router. Neither allocates a payload. It fails at a gross
// loss.
func BenchmarkRatioRoundRobin(b *testing.B) {
	const tasks = 100_000
	pool := ratioPool(b, actors.WithDispatch(router.RoundRobin()))
	tell := func() {
		for i := range tasks {
			if err := pool.Tell(context.Background(), i); err != nil {
				b.Fatal(err)
			}
		}
		_ = pool.Wait(context.Background())
	}
	failAtLoss(b, "Tell", ratio(b, tasks, "protoactor", tell, sendTurn(b, tasks, func(worker actor.Producer) *actor.Props {
		return protorouter.NewRoundRobinPool(ratioWorkers, actor.WithProducer(worker))
	})))
}

// BenchmarkRatioActors compares a pool of the user's own actors under round-robin with
// Proto.Actor's round-robin router. Both are sent one pointer over and over and have
// queues without a bound, since such a send never blocks. It fails at a gross loss.
func BenchmarkRatioActors(b *testing.B) {
	const messages = 100_000
	ours := sendTurn(b, messages, func(worker actor.Producer) *actor.Props {
		return actors.PropsFromProducer(worker, actors.WithSize(ratioWorkers),
			actors.WithDispatch(router.RoundRobin()), actors.WithQueue(actors.Unbounded, actors.Block))
	})
	theirs := sendTurn(b, messages, func(worker actor.Producer) *actor.Props {
		return protorouter.NewRoundRobinPool(ratioWorkers, actor.WithProducer(worker))
	})
	failAtLoss(b, "A send", ratio(b, messages, "protoactor", ours, theirs))
}

// sendTurn spawns a pool of actors and returns a turn that sends it a number of messages
// and waits until all have been received.
func sendTurn(b *testing.B, messages int, props func(actor.Producer) *actor.Props) func() {
	type message struct{ _ int }
	system := pooltest.System()
	var left atomic.Int64
	done := make(chan struct{})
	worker := actor.ReceiveFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*message); ok && left.Add(-1) == 0 {
			done <- struct{}{}
		}
	})
	pid := system.Root.Spawn(props(func() actor.Actor { return worker }))
	b.Cleanup(func() { system.Root.Stop(pid) })
	sent := new(message)
	return func() {
		left.Store(int64(messages))
		for range messages {
			system.Root.Send(pid, sent)
		}
		<-done
	}
}

func failAtLoss(b *testing.B, what string, share float64) {
	if share > routerLoss {
		b.Errorf("%s takes %.1f times as long as with Proto.Actor's router, more than %d times", what, share, routerLoss)
	}
}

// BenchmarkRatioAsk compares Ask with RequestFuture(…).Result() through
// Proto.Actor's round-robin router. The target is at most 0.25.
func BenchmarkRatioAsk(b *testing.B) {
	const tasks = 2_000
	pool := ratioPool(b)
	ask := func() {
		for i := range tasks {
			if _, err := pool.Ask(context.Background(), i); err != nil {
				b.Fatal(err)
			}
		}
	}

	system := pooltest.System()
	pid := system.Root.Spawn(protorouter.NewRoundRobinPool(ratioWorkers, actor.WithFunc(func(ctx actor.Context) {
		if message, ok := ctx.Message().(*int); ok {
			ctx.Respond(message)
		}
	})))
	message := new(int)
	request := func() {
		for range tasks {
			if _, err := system.Root.RequestFuture(pid, message, time.Minute).Result(); err != nil {
				b.Fatal(err)
			}
		}
	}

	ratio(b, tasks, "protoactor", ask, request)
	b.ReportMetric(testing.AllocsPerRun(tasks, func() { _, _ = pool.Ask(context.Background(), 1) }), "allocs/Ask")
}

// BenchmarkRatioJournal compares a pool that is recorded, payloads included, with one that
// is not.
func BenchmarkRatioJournal(b *testing.B) {
	for _, bench := range []struct {
		name  string
		takes time.Duration
		tasks int
	}{{"no-op", 0, 100_000}, {"10us", 10 * time.Microsecond, 5_000}} {
		b.Run(bench.name, func(b *testing.B) {
			turn := func(recorded bool) func() {
				root := pooltest.System().Root
				pool, err := actors.NewPool(root, func(_ context.Context, in int) (int, error) {
					if bench.takes > 0 {
						for begun := time.Now(); time.Since(begun) < bench.takes; {
							in++
						}
					}
					return in, nil
				}, actors.WithSize(ratioWorkers))
				require.NoError(b, err)
				b.Cleanup(func() { pool.Close() })
				if recorded {
					pooltest.AttachJournal(root, journal.Options{Keep: 1000, Payload: func(p any) string { return strconv.Itoa(p.(int)) }})
				}
				return func() {
					for i := range bench.tasks {
						if err := pool.Tell(context.Background(), i); err != nil {
							b.Fatal(err)
						}
					}
					_ = pool.Wait(context.Background())
				}
			}
			ratio(b, bench.tasks, "unrecorded", turn(true), turn(false))
		})
	}
}

// A doubler is a worker with as little state as there can be.
type doubler struct{ tasks int }

func (d *doubler) Handle(_ context.Context, in int) (int, error) {
	d.tasks++
	return 2 * in, nil
}

// BenchmarkRatioState compares a pool whose workers have state with one whose workers have
// none, and one whose workers are recycled after 10,000 tasks as well.
func BenchmarkRatioState(b *testing.B) {
	const tasks = 100_000
	produce := func(context.Context) (*doubler, error) { return new(doubler), nil }
	stateful := func(b *testing.B, options ...actors.Option) *actors.Pool[int, int] {
		pool, err := actors.NewPoolOf(pooltest.System().Root, produce, append(options, actors.WithSize(ratioWorkers))...)
		require.NoError(b, err)
		b.Cleanup(func() { pool.Close() })
		return pool
	}
	turn := func(b *testing.B, pool *actors.Pool[int, int]) func() {
		return func() {
			for i := range tasks {
				if err := pool.Tell(context.Background(), i); err != nil {
					b.Fatal(err)
				}
			}
			_ = pool.Wait(context.Background())
		}
	}
	b.Run("kept", func(b *testing.B) {
		ratio(b, tasks, "stateless", turn(b, stateful(b)), turn(b, ratioPool(b)))
	})
	b.Run("recycled", func(b *testing.B) {
		ratio(b, tasks, "stateless", turn(b, stateful(b, actors.WithMaxTasks(10_000))), turn(b, ratioPool(b)))
	})
}

func ratioPool(b *testing.B, options ...actors.Option) *actors.Pool[int, int] {
	pool, err := actors.NewPool(pooltest.System().Root,
		func(_ context.Context, in int) (int, error) { return in, nil },
		append(options, actors.WithSize(ratioWorkers))...)
	require.NoError(b, err)
	b.Cleanup(func() { pool.Close() })
	return pool
}

// ratio runs ours and theirs by turns, each of which does the given number of
// tasks, and reports the medians. It returns that of the ratios.
func ratio(b *testing.B, tasks int, other string, ours, theirs func()) float64 {
	var our, their, ratios []float64
	timed := func(f func()) float64 {
		start := time.Now()
		f()
		return float64(time.Since(start).Nanoseconds()) / float64(tasks)
	}
	ours()
	theirs()
	for b.Loop() {
		for range ratioTurns {
			o, t := timed(ours), timed(theirs)
			our, their, ratios = append(our, o), append(their, t), append(ratios, o/t)
		}
	}
	median := func(figures []float64) float64 {
		slices.Sort(figures)
		return figures[len(figures)/2]
	}
	b.ReportMetric(0, "ns/op") // of no interest: a turn's length is arbitrary
	b.ReportMetric(median(our), "ns/troupe")
	b.ReportMetric(median(their), "ns/"+other)
	b.ReportMetric(median(ratios), "ratio")
	return median(ratios)
}
