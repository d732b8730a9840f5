package jetstream_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/jetstream"
	"github.com/troupe-go/troupe/messages"
)

// raw connects to a store that listens, as any program may.
func raw(t *testing.T, store *jetstream.Store) js.JetStream {
	t.Helper()
	conn, err := nats.Connect(store.URL())
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	stream, err := js.New(conn)
	require.NoError(t, err)
	return stream
}

func TestWhatCannotBeReadIsQuarantinedAndBlocksNothing(t *testing.T) {
	store := open(t, t.TempDir(), jetstream.WithListen("127.0.0.1:0"))
	q := queue(t, store)
	server := raw(t, store)
	for _, msg := range []*nats.Msg{
		{Data: []byte("no headers")},
		{Data: []byte("{"), Header: nats.Header{"Troupe-Id": {"broken"}, "Troupe-Codec": {"json"}}},
		{Data: []byte(`"text"`), Header: nats.Header{"Troupe-Id": {"text"}, "Troupe-Codec": {"json"}}},
		{Data: []byte("1"), Header: nats.Header{"Troupe-Id": {"codec"}, "Troupe-Codec": {"other"}}},
		{Data: []byte("1"), Header: nats.Header{"Troupe-Id": {"headers"}, "Troupe-Codec": {"json"}, "Troupe-Headers": {"%zz"}}},
		{Data: []byte("1"), Header: nats.Header{"Troupe-Id": {"timeout"}, "Troupe-Codec": {"json"}, "Troupe-Timeout": {"soon"}}},
		{},
	} {
		msg.Subject = "troupe.numbers.ready.0"
		_, err := server.PublishMsg(t.Context(), msg)
		require.NoError(t, err)
	}
	done := make(chan int, 1)
	attach(t, q, pool(t, func(_ context.Context, n int) (int, error) { done <- n; return n, nil }))
	submit(t, q, 7)
	assert.Equal(t, 7, <-done)
	letters := dead(t, q, 7)
	var texts []string
	for _, letter := range letters {
		assert.Equal(t, messages.DeadPayload, letter.Reason)
		texts = append(texts, letter.ID+": "+letter.Err)
	}
	assert.ElementsMatch(t, []string{
		`: payload cannot be read: written by codec "", not "json"`,
		`broken: payload cannot be read: unexpected end of JSON input`,
		`text: payload cannot be read: json: cannot unmarshal string into Go value of type int`,
		`codec: payload cannot be read: written by codec "other", not "json"`,
		`headers: payload cannot be read: header Troupe-Headers: invalid URL escape "%zz"`,
		`timeout: payload cannot be read: header Troupe-Timeout: time: invalid duration "soon"`,
		`: payload cannot be read: written by codec "", not "json"`,
	}, texts)
}

func TestDeadLettersAreRequeuedOnceOrDeleted(t *testing.T) {
	q := queue(t, open(t, t.TempDir()), jetstream.Levels(2))
	var works atomic.Bool
	var keys atomic.Value
	f := attach(t, q, pool(t, func(_ context.Context, n int) (int, error) {
		if works.Load() {
			keys.Store(n)
			return n, nil
		}
		return 0, errors.New("no")
	}), jetstream.WithRetry(noRetry))
	for n := range 5 {
		_, err := q.Submit(t.Context(), n, jetstream.Priority(1), jetstream.Key("k"))
		require.NoError(t, err)
	}
	letters := dead(t, q, 5)
	page, err := q.DeadLetters(t.Context(), letters[1].Number, 2)
	require.NoError(t, err)
	assert.Equal(t, letters[2:4], page)
	assert.Equal(t, 1, letters[0].Priority)

	works.Store(true)
	_, err = q.Submit(t.Context(), 5, jetstream.ID("requeue-1")) // is nobody else's
	require.NoError(t, err)
	n, err := q.Requeue(t.Context(), letters[0].Number, letters[1].Number)
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	eventually(t, q, func(s messages.DurableStats) bool { return empty(s) && s.Dead == 3 })
	assert.Equal(t, int64(3), f.Stats().Acked)

	n, err = q.Requeue(t.Context(), letters[2].Number, letters[1].Number, letters[3].Number)
	require.ErrorIs(t, err, jetstream.ErrNoDeadLetter)
	assert.Equal(t, 1, n, "it stops at the first that is not there")
	n, err = q.Delete(t.Context(), letters[3].Number, letters[4].Number)
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	_, err = q.Delete(t.Context(), letters[4].Number)
	require.ErrorIs(t, err, jetstream.ErrNoDeadLetter)
	eventually(t, q, func(s messages.DurableStats) bool { return empty(s) && s.Dead == 0 })
	assert.Equal(t, int64(4), f.Stats().Acked)
}

// What is fetched and never answered for is lost with whoever had it.
func TestATaskThatIsLostTooOftenIsADeadLetter(t *testing.T) {
	t.Parallel()
	store := open(t, t.TempDir(), jetstream.WithListen("127.0.0.1:0"))
	q := queue(t, store, jetstream.Lease(time.Second), jetstream.Results(time.Minute))
	_, err := q.Submit(t.Context(), 1, jetstream.ID("lost"))
	require.NoError(t, err)
	consumer, err := raw(t, store).Consumer(t.Context(), "troupe_tasks_numbers", "level-0")
	require.NoError(t, err)
	for range 2 {
		_, err := consumer.Next(js.FetchMaxWait(patience))
		require.NoError(t, err)
	}
	f := attach(t, q, pool(t, func(_ context.Context, n int) (int, error) { return n, nil }), jetstream.WithLostLimit(2))
	letter := dead(t, q, 1)[0]
	assert.Equal(t, messages.DeadLost, letter.Reason)
	assert.Equal(t, "lost 2 times with its node or its lease", letter.Err)
	assert.Equal(t, "lost", letter.ID)
	_, err = jetstream.Await[int](t.Context(), q, "lost")
	require.ErrorAs(t, err, new(*jetstream.TaskError))
	assert.Zero(t, f.Stats().Acked)
}

func TestATaskThatWasLostIsDoneAgainAndSaysSo(t *testing.T) {
	store := open(t, t.TempDir(), jetstream.WithListen("127.0.0.1:0"))
	q := queue(t, store, jetstream.Lease(time.Second))
	submit(t, q, 1)
	consumer, err := raw(t, store).Consumer(t.Context(), "troupe_tasks_numbers", "level-0")
	require.NoError(t, err)
	_, err = consumer.Next(js.FetchMaxWait(patience))
	require.NoError(t, err)
	seen := make(chan jetstream.Delivery, 1)
	f := attach(t, q, pool(t, func(ctx context.Context, n int) (int, error) {
		d, _ := jetstream.DeliveryFromContext(ctx)
		seen <- d
		return n, nil
	}))
	d := <-seen
	assert.Equal(t, "numbers", d.Queue)
	assert.Equal(t, 2, d.Times)
	assert.True(t, d.Again)
	eventually(t, q, empty)
	assert.Equal(t, int64(1), f.Stats().Again)
}

func TestAPurgeLeavesOnlyDeadLetters(t *testing.T) {
	q := queue(t, open(t, t.TempDir()))
	submit(t, q, 1)
	f := attach(t, q, pool(t, func(context.Context, int) (int, error) { return 0, errors.New("no") }), jetstream.WithRetry(noRetry))
	dead(t, q, 1)
	_, err := f.Stop(t.Context())
	require.NoError(t, err)
	submit(t, q, 2, 3)
	_, err = q.Submit(t.Context(), 4, jetstream.Delay(time.Hour))
	require.NoError(t, err)
	stats := inspect(t, q)
	assert.Equal(t, []int64{2, 1, 1}, []int64{stats.Ready, stats.Delayed, stats.Dead})
	assert.Positive(t, stats.Oldest)
	assert.Positive(t, stats.Bytes)
	require.NoError(t, q.Purge(t.Context()))
	stats = inspect(t, q)
	assert.True(t, empty(stats))
	assert.Equal(t, int64(1), stats.Dead)
	assert.Zero(t, stats.Oldest)
}

// A node that dies after it has published a dead letter leaves its record behind.
func TestADeadLetterIsThereOnceThoughItsNodeDied(t *testing.T) {
	store := open(t, t.TempDir(), jetstream.WithListen("127.0.0.1:0"))
	q := queue(t, store, jetstream.Window(100*time.Millisecond))
	server := raw(t, store)
	submit(t, q, 1)
	consumer, err := server.Consumer(t.Context(), "troupe_tasks_numbers", "level-0")
	require.NoError(t, err)
	msg, err := consumer.Next(js.FetchMaxWait(patience))
	require.NoError(t, err)
	letter := nats.NewMsg("troupe.numbers.dead.1")
	letter.Header.Set("Troupe-Id", msg.Headers().Get("Nats-Msg-Id"))
	letter.Header.Set("Troupe-Dead-Reason", "attempts")
	for _, m := range []*nats.Msg{{Subject: "troupe.numbers.attempts.1", Data: []byte(`{"failures":5,"dead":"attempts"}`)}, letter} {
		_, err = server.PublishMsg(t.Context(), m)
		require.NoError(t, err)
	}
	require.NoError(t, msg.Nak())
	f := attach(t, q, pool(t, func(_ context.Context, n int) (int, error) { return n, nil }))
	dead(t, q, 1)
	assert.Zero(t, f.Stats().Dead, "another one has made it")
	assert.Zero(t, f.Stats().Acked)
}

// Without it, whoever is given the task again would take it for one that was lost.
func TestTheRecordOfATaskStaysUntilTheServerKnowsItsEnd(t *testing.T) {
	long(t)
	t.Parallel()
	network := &loser{lost: make(chan struct{}, 1), what: "$JS.ACK"}
	there := open(t, t.TempDir(), jetstream.WithListen("127.0.0.1:0"))
	here, err := jetstream.Open(t.Context(), jetstream.WithURL(there.URL()), jetstream.WithLogger(quiet()),
		jetstream.WithClient(nats.SetCustomDialer(network)))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, here.Close(context.Background())) })
	q := queue(t, here)
	f := attach(t, q, pool(t, func(context.Context, int) (int, error) {
		network.loses.Store(true)
		return 0, errors.New("no")
	}), jetstream.WithRetry(noRetry))
	submit(t, q, 1)
	require.Eventually(t, func() bool { return f.Stats().Dead == 1 && f.Stats().Held == 0 }, patience, time.Millisecond)
	time.Sleep(3 * time.Second) // a deletion that was lost with it would be made again
	assert.Equal(t, int64(1), inspect(t, q).Retrying)
	network.loses.Store(false)
}

// Else its waiter would be told of what it came to before.
func TestTheResultOfARequeuedTaskIsThatOfItsNewRun(t *testing.T) {
	q := queue(t, open(t, t.TempDir()), jetstream.Results(time.Minute))
	var works atomic.Bool
	g := newGate()
	attach(t, q, pool(t, func(ctx context.Context, n int) (int, error) {
		if works.Load() {
			return g.handle(ctx, n)
		}
		return 0, errors.New("no")
	}), jetstream.WithRetry(noRetry))
	receipt, err := q.Submit(t.Context(), 1)
	require.NoError(t, err)
	_, err = jetstream.Await[int](t.Context(), q, receipt.ID)
	require.Error(t, err)
	letter := dead(t, q, 1)[0]
	works.Store(true)
	_, err = q.Requeue(t.Context(), letter.Number)
	require.NoError(t, err)
	<-g.begun
	early, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = jetstream.Await[int](early, q, receipt.ID)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	close(g.open)
	out, err := jetstream.Await[int](t.Context(), q, receipt.ID)
	require.NoError(t, err)
	assert.Equal(t, 1, out)
}
