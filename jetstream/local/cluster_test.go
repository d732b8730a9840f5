package local_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/jetstream"
	"github.com/troupe-go/troupe/jetstream/local"
	"github.com/troupe-go/troupe/troupetest"
)

func TestMain(m *testing.M) {
	local.Main(map[string]local.Role{
		"parent": parent,
		"fails":  func(_ context.Context, text string) error { return fmt.Errorf("no %s", text) },
	})
	goleak.VerifyTestMain(m)
}

const patience = time.Minute

func start(t *testing.T, servers int) *local.Cluster {
	t.Helper()
	troupetest.TimeLimit(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := local.Start(ctx, t.TempDir(), servers)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func numbers(t *testing.T, c *local.Cluster) *jetstream.Queue[int] {
	t.Helper()
	store, err := jetstream.Open(t.Context(), jetstream.WithURL(c.URLs()...), jetstream.Replicas(len(c.URLs())),
		jetstream.WithLogger(slog.New(slog.DiscardHandler)), jetstream.WithPatience(patience))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close(context.Background())) })
	q, err := jetstream.NewQueue[int](t.Context(), store, "numbers")
	require.NoError(t, err)
	return q
}

func TestAServerThatWasKilledComesBackWhereItWasWithWhatItHad(t *testing.T) {
	c := start(t, 1)
	q := numbers(t, c)
	_, err := q.Submit(t.Context(), 1)
	require.NoError(t, err)
	urls := c.URLs()

	require.NoError(t, c.Kill(0))
	_, err = net.Dial("tcp", strings.TrimPrefix(urls[0], "nats://"))
	require.Error(t, err)
	require.ErrorContains(t, c.Restart(canceled(), 0), "not ready", "it is waited for no longer than the context lasts")
	require.NoError(t, c.Restart(t.Context(), 0))
	require.Error(t, c.Restart(t.Context(), 0), "it is running")

	assert.Equal(t, urls, c.URLs())
	stats, err := q.Inspect(t.Context())
	require.NoError(t, err)
	assert.Equal(t, int64(1), stats.Ready)
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestAClusterThatHasStartedStoresOnAllOfItsServers(t *testing.T) {
	c := start(t, 3)
	q := numbers(t, c)
	stats, err := q.Inspect(t.Context())
	require.NoError(t, err)
	var names []string
	for _, s := range stats.Servers {
		names = append(names, s.Name)
	}
	assert.ElementsMatch(t, c.Names(), names)
}

// parent starts a server, and a child in turn has only its death to wait for.
func parent(ctx context.Context, directory string) error {
	c, err := local.Start(ctx, directory, 1)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, c.URLs()[0])
	<-ctx.Done()
	return nil
}

func TestNoServerOutlivesAParentThatIsKilled(t *testing.T) {
	troupetest.TimeLimit(t)
	url := make(chan string, 1)
	p, err := local.Spawn("parent", t.TempDir(), func(line string) { url <- line })
	require.NoError(t, err)
	conn, err := net.Dial("tcp", strings.TrimPrefix(<-url, "nats://"))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()

	require.NoError(t, p.Kill())
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	_, err = io.Copy(io.Discard, conn)
	assert.NotErrorIs(t, err, os.ErrDeadlineExceeded, "it has ended")
}

func TestAChildThatFailsSaysWhy(t *testing.T) {
	troupetest.TimeLimit(t)
	for role, want := range map[string]string{"fails": "no luck", "unheard": `no role "unheard"`} {
		p, err := local.Spawn(role, "luck", nil)
		require.NoError(t, err)
		<-p.Done()
		require.ErrorContains(t, p.Err(), "exit status 1")
		assert.Contains(t, p.Stderr(), want)
	}
}

func TestAClusterOfNoServersIsNone(t *testing.T) {
	_, err := local.Start(t.Context(), t.TempDir(), 0)
	assert.Error(t, err)
}
