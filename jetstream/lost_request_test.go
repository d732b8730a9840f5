package jetstream_test

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/jetstream"
)

// A loser is a network that loses what is sent, as a server does that dies with it.
type loser struct {
	net.Dialer
	what  string // that is in what it loses
	loses atomic.Bool
	late  chan struct{} // unless nil, they are late instead: until it is closed
	lost  chan struct{} // holds one
}

func (l *loser) Dial(network, address string) (net.Conn, error) {
	conn, err := l.Dialer.Dial(network, address)
	return &losing{conn, l}, err
}

type losing struct {
	net.Conn
	loser *loser
}

func (c *losing) Write(data []byte) (int, error) {
	if c.loser.loses.Load() && bytes.Contains(data, []byte(c.loser.what)) {
		select {
		case c.loser.lost <- struct{}{}:
		default:
		}
		if c.loser.late == nil {
			return len(data), nil
		}
		<-c.loser.late
	}
	return c.Conn.Write(data)
}

// over returns a queue that is reached by the network.
func over(t *testing.T, network *loser, there *jetstream.Store, opts ...jetstream.Option) *jetstream.Queue[int] {
	t.Helper()
	opts = append(opts, jetstream.WithURL(there.URL()), jetstream.WithLogger(quiet()), jetstream.WithClient(nats.SetCustomDialer(network)))
	here, err := jetstream.Open(t.Context(), opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, here.Close(context.Background())) })
	return queue(t, here)
}

func TestARequestThatIsLostIsMadeAgain(t *testing.T) {
	t.Parallel()
	network := &loser{what: "CONSUMER.MSG.NEXT", lost: make(chan struct{}, 1)}
	q := over(t, network, open(t, t.TempDir(), jetstream.WithListen("127.0.0.1:0")))

	ran := make(chan int, 8)
	attach(t, q, pool(t, func(_ context.Context, n int) (int, error) { ran <- n; return n, nil }))
	run := func() {
		select {
		case <-ran:
		case <-time.After(patience):
			require.Fail(t, "the feeder waits for what was lost")
		}
	}
	submit(t, q, 0)
	run() // its subscriptions are known to the server by then
	network.loses.Store(true)
	submit(t, q, 1) // by the request that waits, and then by one that is lost, or by that
	<-network.lost
	network.loses.Store(false)
	run()
	for n := range 3 {
		submit(t, q, 2+n)
		run()
	}
}

func TestAHurriedStopEndsTasksWhoseRecordsComeLate(t *testing.T) {
	there := open(t, t.TempDir(), jetstream.WithListen("127.0.0.1:0"))
	g := newGate()
	submit(t, queue(t, there), 1, 2, 3, 4, 5, 6, 7, 8)
	f := attach(t, queue(t, there), pool(t, g.handle, actors.WithSize(8)))
	for range 8 {
		<-g.begun
	}
	hurried, hurry := context.WithCancel(t.Context())
	hurry()
	_, err := f.Stop(hurried) // so that they have records
	require.ErrorIs(t, err, context.Canceled)

	network := &loser{what: "troupe_attempts_numbers", lost: make(chan struct{}, 1), late: make(chan struct{})}
	q := over(t, network, there)
	network.loses.Store(true)
	f = attach(t, q, pool(t, g.handle, actors.WithSize(8)))
	<-network.lost
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_, _ = f.Stop(hurried)
	}()
	time.Sleep(100 * time.Millisecond) // Stop has canceled what there is by then
	close(network.late)
	select {
	case <-stopped:
	case <-time.After(patience):
		close(g.open)
		require.Fail(t, "it waits for tasks that nobody has canceled")
	}
}

// Requests that are kept for the servers while these are away would all be answered when
// they are back, and bring many times what there is room for.
func TestNoTasksAreAskedForWhileTheServersAreAway(t *testing.T) {
	long(t)
	t.Parallel()
	directory := t.TempDir()
	there := open(t, directory, jetstream.WithListen("127.0.0.1:0"))
	address := strings.TrimPrefix(there.URL(), "nats://")
	here, err := jetstream.Open(t.Context(), jetstream.WithURL(there.URL()), jetstream.WithLogger(quiet()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, here.Close(context.Background())) })
	q := queue(t, here)
	g := newGate()
	f := attach(t, q, pool(t, g.handle, actors.WithSize(1)), jetstream.WithPrefetch(0))
	require.NoError(t, there.Close(t.Context()))
	unheard := open(t, directory)
	submit(t, queue(t, unheard), numbers(50)...)
	require.NoError(t, unheard.Close(t.Context()))
	time.Sleep(10 * time.Second) // several requests' time
	open(t, directory, jetstream.WithListen(address))
	<-g.begun
	time.Sleep(500 * time.Millisecond) // they would come now
	assert.LessOrEqual(t, f.Stats().Held, 3, "one that runs, and what was asked for before")
	close(g.open)
	eventually(t, q, empty)
}
