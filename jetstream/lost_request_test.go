package jetstream_test

import (
	"bytes"
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/jetstream"
)

// A loser is a network that loses requests for tasks, as a server does that dies with
// them.
type loser struct {
	net.Dialer
	loses atomic.Bool
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
	if c.loser.loses.Load() && bytes.Contains(data, []byte("CONSUMER.MSG.NEXT")) {
		select {
		case c.loser.lost <- struct{}{}:
		default:
		}
		return len(data), nil
	}
	return c.Conn.Write(data)
}

func TestARequestThatIsLostIsMadeAgain(t *testing.T) {
	network := &loser{lost: make(chan struct{}, 1)}
	there := open(t, t.TempDir(), jetstream.WithListen("127.0.0.1:0"))
	here, err := jetstream.Open(t.Context(), jetstream.WithURL(there.URL()), jetstream.WithLogger(quiet()),
		jetstream.WithClient(nats.SetCustomDialer(network)))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, here.Close(context.Background())) })
	q := queue(t, here)

	network.loses.Store(true)
	ran := make(chan int, 1)
	attach(t, q, pool(t, func(_ context.Context, n int) (int, error) { ran <- n; return n, nil }))
	<-network.lost
	network.loses.Store(false)
	for n := range 3 {
		_, err = q.Submit(t.Context(), n)
		require.NoError(t, err)
		select {
		case <-ran:
		case <-time.After(patience):
			require.Fail(t, "the feeder waits for what was lost", "task %d", n)
		}
	}
}
