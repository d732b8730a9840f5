package jetstream_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/jetstream"
	"github.com/troupe-go/troupe/messages"
)

func TestTheSameIDWithinTheWindowIsTheSameTask(t *testing.T) {
	q := queue(t, open(t, t.TempDir()))
	one, err := q.Submit(t.Context(), 1, jetstream.ID("one"))
	require.NoError(t, err)
	assert.Equal(t, jetstream.Receipt{ID: "one"}, one)
	for _, o := range []jetstream.SubmitOption{jetstream.Priority(0), jetstream.Delay(time.Hour)} {
		again, err := q.Submit(t.Context(), 1, jetstream.ID("one"), o)
		require.NoError(t, err)
		assert.Equal(t, jetstream.Receipt{ID: "one", Duplicate: true}, again)
	}
	receipts, err := q.SubmitBatch(t.Context(),
		jetstream.Item[int]{In: 1, Options: []jetstream.SubmitOption{jetstream.ID("one")}}, jetstream.Item[int]{In: 2})
	require.NoError(t, err)
	assert.Equal(t, []bool{true, false}, []bool{receipts[0].Duplicate, receipts[1].Duplicate})
	stats := inspect(t, q)
	assert.Equal(t, []int64{2, 0}, []int64{stats.Ready, stats.Delayed})
}

func TestTheSameIDAfterTheWindowIsANewTask(t *testing.T) {
	q := queue(t, open(t, t.TempDir()), jetstream.Window(100*time.Millisecond))
	_, err := q.Submit(t.Context(), 1, jetstream.ID("one"))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		later, err := q.Submit(t.Context(), 1, jetstream.ID("one"))
		return assert.NoError(t, err) && !later.Duplicate
	}, patience, 50*time.Millisecond)
}

func TestATaskReachesItsHandlerAsItWasSubmitted(t *testing.T) {
	q := queue(t, open(t, t.TempDir()), jetstream.Levels(8))
	headers := map[string]string{"plain": "value", "line\nbreak": " \r\n\x00\xff ", "": "", "Nats-Msg-Id": "not one", "a=b&c": "%41"}
	opts := []jetstream.SubmitOption{jetstream.ID("!~"), jetstream.Key("key\n\xff"), jetstream.Priority(7), jetstream.Timeout(time.Hour)}
	for key, value := range headers {
		opts = append(opts, jetstream.Header(key, value))
	}
	_, err := q.Submit(t.Context(), 1, opts...)
	require.NoError(t, err)
	attach(t, q, pool(t, func(ctx context.Context, n int) (int, error) {
		task, ok := actors.TaskFromContext(ctx)
		assert.True(t, ok)
		assert.Equal(t, "!~", task.ID)
		assert.Equal(t, "key\n\xff", task.Key)
		assert.Equal(t, headers, task.Headers)
		due, ok := ctx.Deadline()
		assert.True(t, ok)
		assert.WithinDuration(t, time.Now().Add(time.Hour), due, time.Minute)
		return n, nil
	}))
	eventually(t, q, empty)
	assert.Zero(t, inspect(t, q).Dead)
}

func TestABatchStoresWhatCanBeStored(t *testing.T) {
	q := queue(t, open(t, t.TempDir()), jetstream.MaxTasks(3))
	items := []jetstream.Item[int]{{In: 1}, {In: 2, Options: []jetstream.SubmitOption{jetstream.Priority(1)}}, {In: 3}, {In: 4}, {In: 5}, {In: 6}}
	receipts, err := q.SubmitBatch(t.Context(), items...)
	require.ErrorIs(t, err, messages.ErrInvalidOption)
	assert.ErrorContains(t, err, "item 1")
	require.Len(t, receipts, len(items))
	require.ErrorIs(t, receipts[1].Err, messages.ErrInvalidOption)
	for _, i := range []int{0, 2, 3} {
		require.NoError(t, receipts[i].Err)
	}
	for _, i := range []int{4, 5} {
		require.ErrorIs(t, receipts[i].Err, messages.ErrQueueFull)
	}
	assert.Equal(t, int64(3), inspect(t, q).Ready)
	receipts, err = q.SubmitBatch(t.Context())
	require.NoError(t, err)
	assert.Empty(t, receipts)
}

func TestBadTasksAreRefusedAndLoseNothing(t *testing.T) {
	store := open(t, t.TempDir(), jetstream.WithServer(func(o *server.Options) { o.MaxPayload = 200 << 10 }))
	q, err := jetstream.NewQueue[any](t.Context(), store, "anything", jetstream.MaxTasks(2))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		in   any
		opts []jetstream.SubmitOption
		want error
		text string
	}{
		"level":           {1, []jetstream.SubmitOption{jetstream.Priority(1)}, messages.ErrInvalidOption, "priority 1 is not one of the 1 levels of queue anything"},
		"negative level":  {1, []jetstream.SubmitOption{jetstream.Priority(-1)}, messages.ErrInvalidOption, "priority -1"},
		"empty ID":        {1, []jetstream.SubmitOption{jetstream.ID("")}, messages.ErrInvalidOption, `ID ""`},
		"ID with a space": {1, []jetstream.SubmitOption{jetstream.ID("a b")}, messages.ErrInvalidOption, `ID "a b"`},
		"long ID":         {1, []jetstream.SubmitOption{jetstream.ID(strings.Repeat("x", 257))}, messages.ErrInvalidOption, "257 bytes"},
		"timeout":         {1, []jetstream.SubmitOption{jetstream.Timeout(0)}, messages.ErrInvalidOption, "timeout 0s"},
		"delay":           {1, []jetstream.SubmitOption{jetstream.Delay(-1)}, messages.ErrInvalidOption, "delay -1ns"},
		"bound and delay": {1, []jetstream.SubmitOption{jetstream.Delay(1)}, messages.ErrInvalidOption, "queue anything has a bound"},
		"nil option":      {1, []jetstream.SubmitOption{nil}, messages.ErrInvalidOption, "submit option is nil"},
		"no JSON":         {make(chan int), nil, messages.ErrInvalidOption, "chan int"},
		"panics in JSON":  {hostileJSON{}, nil, messages.ErrInvalidOption, "panicked"},
		"large":           {strings.Repeat("x", 200<<10), nil, jetstream.ErrTooLarge, "204802 bytes"},
		"large headers":   {1, []jetstream.SubmitOption{jetstream.Header("a", strings.Repeat("x", 40<<10))}, jetstream.ErrTooLarge, "headers"},
	} {
		_, err := q.Submit(t.Context(), c.in, c.opts...)
		require.ErrorIs(t, err, c.want, name)
		assert.ErrorContains(t, err, c.text, name)
	}
	_, err = q.Submit(t.Context(), strings.Repeat("x", 130<<10), jetstream.Header("a", strings.Repeat("x", 30<<10)))
	require.NoError(t, err, "the largest that fits")
	_, err = q.Submit(t.Context(), 1)
	require.NoError(t, err)
	_, err = q.Submit(t.Context(), 1)
	require.ErrorIs(t, err, messages.ErrQueueFull)
	require.NotErrorIs(t, err, jetstream.ErrStoreFull)
	assert.Equal(t, int64(2), inspect(t, q).Ready)

	// The largest one can be a dead letter, too.
	attach(t, q, pool(t, func(_ context.Context, in any) (int, error) {
		panic(strings.Repeat("oh no", 1<<20))
	}), jetstream.WithRetry(noRetry))
	longest := 0
	for _, letter := range dead(t, q, 2) {
		longest = max(longest, len(letter.Payload))
	}
	assert.Equal(t, 130<<10+2, longest)
}

type hostileJSON struct{}

func (hostileJSON) MarshalJSON() ([]byte, error) { panic("no JSON") }

func TestASubmissionEndsWithItsContext(t *testing.T) {
	q := queue(t, open(t, t.TempDir()))
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	_, err := q.Submit(ctx, 1)
	require.ErrorIs(t, err, context.Canceled)
}

func TestQueuesAreMadeOnceAndFoundAgain(t *testing.T) {
	store := open(t, t.TempDir())
	_, err := jetstream.NewQueue[int](t.Context(), store, "q", jetstream.Levels(2), jetstream.Lease(time.Minute))
	require.NoError(t, err)
	q, err := jetstream.NewQueue[int](t.Context(), store, "q")
	require.NoError(t, err)
	assert.Len(t, inspect(t, q).Levels, 2, "what is not said is taken over")
	_, err = jetstream.NewQueue[int](t.Context(), store, "q", jetstream.Levels(2))
	require.NoError(t, err)

	_, err = jetstream.NewQueue[int](t.Context(), store, "q", jetstream.Levels(3))
	require.ErrorIs(t, err, jetstream.ErrQueueDiffers)
	_, err = jetstream.NewQueue[int](t.Context(), store, "q", jetstream.Levels(1), jetstream.Reconfigure())
	require.ErrorIs(t, err, jetstream.ErrQueueDiffers)
	_, err = jetstream.NewQueue[int](t.Context(), store, "q", jetstream.MaxTasks(1), jetstream.Reconfigure())
	require.ErrorIs(t, err, jetstream.ErrQueueDiffers)
	q, err = jetstream.NewQueue[int](t.Context(), store, "q", jetstream.Levels(3), jetstream.Results(time.Minute), jetstream.Reconfigure())
	require.NoError(t, err)
	assert.Len(t, inspect(t, q).Levels, 3)
	receipt, err := q.Submit(t.Context(), 1, jetstream.Priority(2))
	require.NoError(t, err)
	attach(t, q, pool(t, func(_ context.Context, n int) (int, error) { return n, nil }))
	out, err := jetstream.Await[int](t.Context(), q, receipt.ID)
	require.NoError(t, err)
	assert.Equal(t, 1, out)
}

func TestBadQueuesAreErrorsThatSayWhy(t *testing.T) {
	store := open(t, t.TempDir())
	for want, opt := range map[string]jetstream.QueueOption{
		"0 levels":            jetstream.Levels(0),
		"17 levels":           jetstream.Levels(17),
		"lease 1ms":           jetstream.Lease(time.Millisecond),
		"window 0s":           jetstream.Window(0),
		"-1 tasks":            jetstream.MaxTasks(-1),
		"-1 bytes":            jetstream.MaxBytes(-1),
		"kept for 0s":         jetstream.Results(0),
		"codec is nil":        jetstream.WithCodec(nil),
		"queue option is nil": nil,
	} {
		_, err := jetstream.NewQueue[int](t.Context(), store, "q", opt)
		require.ErrorIs(t, err, messages.ErrInvalidOption, want)
		assert.ErrorContains(t, err, want)
	}
	for _, name := range []string{"", "a.b", "a b", "a*", ">", "ä", strings.Repeat("x", 65)} {
		_, err := jetstream.NewQueue[int](t.Context(), store, name)
		require.ErrorIs(t, err, messages.ErrInvalidOption, name)
	}
	_, err := jetstream.NewQueue[int](t.Context(), nil, "q")
	require.ErrorIs(t, err, messages.ErrInvalidOption)

	q := queue(t, store)
	p := pool(t, func(_ context.Context, n int) (int, error) { return n, nil })
	for want, opt := range map[string]jetstream.AttachOption{
		"retry with 1 attempts": jetstream.WithRetry(actors.Retry{Attempts: 1}),
		"prefetch of -1":        jetstream.WithPrefetch(-1),
		"lost 0 times":          jetstream.WithLostLimit(0),
		"at most 0s":            jetstream.WithMaxRun(0),
		"option is nil":         nil,
	} {
		_, err := jetstream.Attach(q, p, opt)
		require.ErrorIs(t, err, messages.ErrInvalidOption, want)
		assert.ErrorContains(t, err, want)
	}
	_, err = jetstream.Attach[int, int](nil, p)
	require.ErrorIs(t, err, messages.ErrInvalidOption)
	_, err = jetstream.Await[int](t.Context(), q, "any")
	require.ErrorIs(t, err, jetstream.ErrNoResults)
}

func TestPayloadsGoByTheQueuesCodec(t *testing.T) {
	store := open(t, t.TempDir())
	q, err := jetstream.NewQueue[*wrapperspb.StringValue](t.Context(), store, "protobuf",
		jetstream.WithCodec(jetstream.Protobuf{}), jetstream.Results(time.Minute))
	require.NoError(t, err)
	receipt, err := q.Submit(t.Context(), wrapperspb.String("hello"))
	require.NoError(t, err)
	attach(t, q, pool(t, func(_ context.Context, in *wrapperspb.StringValue) (*wrapperspb.BoolValue, error) {
		return wrapperspb.Bool(in.GetValue() == "hello"), nil
	}))
	out, err := jetstream.Await[*wrapperspb.BoolValue](t.Context(), q, receipt.ID)
	require.NoError(t, err)
	assert.True(t, out.GetValue())

	numbers, err := jetstream.NewQueue[int](t.Context(), store, "numbers", jetstream.WithCodec(jetstream.Protobuf{}))
	require.NoError(t, err)
	_, err = numbers.Submit(t.Context(), 1)
	require.ErrorIs(t, err, messages.ErrInvalidOption)
	assert.ErrorContains(t, err, "int is no protobuf message")
}

// What cannot be written as a result is what its waiter hears, and is not done again.
func TestAResultThatCannotBeKeptIsAnError(t *testing.T) {
	q := queue(t, open(t, t.TempDir()), jetstream.Results(time.Minute))
	f := attach(t, q, pool(t, func(_ context.Context, n int) (any, error) {
		if n == 0 {
			return make(chan int), nil
		}
		return strings.Repeat("x", 2<<20), nil
	}))
	for n, want := range []string{"write the result: json: unsupported type: chan int", "too large"} {
		receipt, err := q.Submit(t.Context(), n)
		require.NoError(t, err)
		_, err = jetstream.Await[any](t.Context(), q, receipt.ID)
		var failure *jetstream.TaskError
		require.ErrorAs(t, err, &failure)
		assert.Contains(t, failure.Text, want)
		assert.Equal(t, messages.Succeeded, failure.Outcome)
	}
	eventually(t, q, empty)
	assert.Equal(t, int64(2), f.Stats().Acked)
}

func TestAnAwaitEndsWithItsContext(t *testing.T) {
	q := queue(t, open(t, t.TempDir()), jetstream.Results(time.Minute))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := jetstream.Await[int](ctx, q, "nobody's")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestABatchWaitsNoLongerThanATaskForServersThatAreAway(t *testing.T) {
	t.Parallel()
	there := open(t, t.TempDir(), jetstream.WithListen("127.0.0.1:0"))
	here, err := jetstream.Open(t.Context(), jetstream.WithURL(there.URL()), jetstream.WithLogger(quiet()), jetstream.WithPatience(time.Second))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, here.Close(context.Background())) })
	q := queue(t, here)
	receipts, err := q.SubmitBatch(t.Context(), make([]jetstream.Item[int], 3000)...)
	require.NoError(t, err)
	require.Len(t, receipts, 3000)
	require.NoError(t, there.Close(t.Context()))

	brief, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	for name, ctx := range map[string]context.Context{"its context ends": brief, "its patience ends": t.Context()} {
		begun := time.Now()
		receipts, err := q.SubmitBatch(ctx, make([]jetstream.Item[int], 3000)...)
		require.Error(t, err, name)
		assert.Less(t, time.Since(begun), patience, name)
		for _, r := range receipts {
			require.Error(t, r.Err, name)
			require.NotEmpty(t, r.ID, name)
		}
	}
}
