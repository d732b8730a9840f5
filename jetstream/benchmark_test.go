package jetstream_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/jetstream"
)

// The benchmarks do the same work twice in each round, once with Troupe and once with
// the client of NATS alone, on one server with the same settings, in turns: the ratio of
// the two rates is what they report. Run them with
//
//	go test -run '^$' -bench Ratio ./jetstream

// payload is that of the tasks: 128 bytes.
type payload struct {
	Number int
	Text   string
}

func newPayload(n int) payload {
	return payload{Number: n, Text: strings.Repeat("x", 100)}
}

// bench is a server with a queue of Troupe's, and a stream that is like it.
type bench struct {
	queue    *jetstream.Queue[payload]
	raw      js.JetStream
	stream   js.Stream
	consumer js.Consumer
}

func newBench(b *testing.B, durability jetstream.Durability) *bench {
	b.Helper()
	s, err := server.NewServer(&server.Options{
		DontListen: true, NoSigs: true, JetStream: true, StoreDir: b.TempDir(), SyncAlways: durability == jetstream.Power,
	})
	require.NoError(b, err)
	s.Start()
	b.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	store, err := jetstream.Open(b.Context(), jetstream.WithURL("nats://in-process"), jetstream.WithLogger(quiet()),
		jetstream.WithClient(nats.InProcessServer(s)))
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, store.Close(context.Background())) })
	queue, err := jetstream.NewQueue[payload](b.Context(), store, "bench")
	require.NoError(b, err)
	conn, err := nats.Connect("", nats.InProcessServer(s))
	require.NoError(b, err)
	b.Cleanup(conn.Close)
	raw, err := js.New(conn, js.WithPublishAsyncMaxPending(1024))
	require.NoError(b, err)
	ours, err := raw.Stream(b.Context(), "troupe_tasks_bench")
	require.NoError(b, err)
	cfg := ours.CachedInfo().Config
	cfg.Name, cfg.Subjects = "raw", []string{"raw"}
	stream, err := raw.CreateStream(b.Context(), cfg)
	require.NoError(b, err)
	theirs, err := ours.Consumer(b.Context(), "level-0")
	require.NoError(b, err)
	consumerCfg := theirs.CachedInfo().Config
	consumerCfg.Durable, consumerCfg.Name, consumerCfg.FilterSubject = "raw", "raw", "raw"
	consumer, err := stream.CreateConsumer(b.Context(), consumerCfg)
	require.NoError(b, err)
	return &bench{queue, raw, stream, consumer}
}

// ratio does the work in turns and reports the ratio of the rates, and ours.
func ratio(b *testing.B, ours, theirs func(n int)) {
	b.Helper()
	const share = 10
	var own, other time.Duration
	n := 0
	for i := range share {
		part := b.N/share + 1
		works := []func(int){ours, theirs}
		times := []*time.Duration{&own, &other}
		for j := range works {
			k := (i + j) % 2 // who begins takes turns
			start := time.Now()
			works[k](part)
			*times[k] += time.Since(start)
		}
		n += part
	}
	b.ReportMetric(float64(other)/float64(own), "ratio")
	b.ReportMetric(float64(n)/own.Seconds(), "tasks/s")
	b.ReportMetric(float64(n)/other.Seconds(), "raw/s")
	b.ReportMetric(0, "ns/op")
}

// callers has n calls made by so many goroutines.
func callers(goroutines, n int, call func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				call(i)
			}
		})
	}
	all.Wait()
}

func BenchmarkRatioSubmit(b *testing.B) {
	for _, durability := range []jetstream.Durability{jetstream.Process, jetstream.Power} {
		for _, goroutines := range []int{1, 64} {
			b.Run(fmt.Sprintf("%v/callers=%d", durability, goroutines), func(b *testing.B) {
				s := newBench(b, durability)
				ratio(b, func(n int) {
					callers(goroutines, n, func(i int) {
						_, err := s.queue.Submit(context.Background(), newPayload(i))
						require.NoError(b, err)
					})
				}, func(n int) {
					callers(goroutines, n, func(i int) {
						data, err := jetstream.JSON{}.Marshal(newPayload(i))
						require.NoError(b, err)
						_, err = s.raw.Publish(context.Background(), "raw", data, js.WithMsgID(nuid.Next()))
						require.NoError(b, err)
					})
				})
			})
		}
	}
}

func BenchmarkRatioBatch(b *testing.B) {
	s := newBench(b, jetstream.Process)
	ratio(b, s.batch(b), s.publish(b))
}

func (s *bench) batch(b *testing.B) func(n int) {
	return func(n int) {
		items := make([]jetstream.Item[payload], n)
		for i := range items {
			items[i].In = newPayload(i)
		}
		_, err := s.queue.SubmitBatch(context.Background(), items...)
		require.NoError(b, err)
	}
}

func (s *bench) publish(b *testing.B) func(n int) {
	return func(n int) {
		for i := range n {
			data, err := jetstream.JSON{}.Marshal(newPayload(i))
			require.NoError(b, err)
			_, err = s.raw.PublishAsync("raw", data, js.WithMsgID(nuid.Next()), js.WithStallWait(time.Minute))
			require.NoError(b, err)
		}
		<-s.raw.PublishAsyncComplete()
	}
}

// From submission to the server's knowledge that the task is done.
func BenchmarkRatioEndToEnd(b *testing.B) {
	s := newBench(b, jetstream.Process)
	system := quietSystem()
	defer system.Shutdown()
	var total atomic.Int64
	pool, err := actors.NewPool(system.Root, func(_ context.Context, in payload) (int, error) {
		total.Add(int64(in.Number))
		return 0, nil
	})
	require.NoError(b, err)
	defer pool.Close()
	feeder, err := jetstream.Attach(s.queue, pool)
	require.NoError(b, err)
	messages, err := s.consumer.Messages()
	require.NoError(b, err)
	defer messages.Stop()
	acked := int64(0)
	batch, publish := s.batch(b), s.publish(b)
	ratio(b, func(n int) {
		batch(n)
		acked += int64(n)
		for feeder.Stats().Acked < acked {
			time.Sleep(100 * time.Microsecond)
		}
	}, func(n int) {
		publish(n)
		for range n {
			msg, err := messages.Next()
			require.NoError(b, err)
			var in payload
			require.NoError(b, jetstream.JSON{}.Unmarshal(msg.Data(), &in))
			total.Add(int64(in.Number))
			require.NoError(b, msg.Ack())
		}
		require.NoError(b, s.raw.Conn().Flush())
	})
	_, err = feeder.Stop(b.Context())
	require.NoError(b, err)
}
