package jetstream_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/jetstream"
	"github.com/troupe-go/troupe/messages"
)

// A badError is an error with methods that do as they like.
type badError struct{ text, as, unwrap func() }

func call(f func()) {
	if f != nil {
		f()
	}
}

func (e *badError) Error() string { call(e.text); return "" }
func (e *badError) As(any) bool   { call(e.as); return false }
func (e *badError) Unwrap() error { call(e.unwrap); return nil }

func TestAnErrorAtItsWorstIsThatOfItsTaskAlone(t *testing.T) {
	panics := func() { panic("no") }
	for name, err := range map[string]error{
		"no text":               &badError{},
		"text panics":           &badError{text: panics},
		"text ends goroutine":   &badError{text: runtime.Goexit},
		"as panics":             &badError{as: panics},
		"as ends goroutine":     &badError{as: runtime.Goexit},
		"unwrap panics":         &badError{unwrap: panics},
		"unwrap ends goroutine": &badError{unwrap: runtime.Goexit},
	} {
		t.Run(name, func(t *testing.T) {
			q := queue(t, open(t, t.TempDir()), jetstream.Results(time.Minute))
			_, submitted := q.Submit(t.Context(), 1, jetstream.ID("one"))
			require.NoError(t, submitted)
			attach(t, q, pool(t, func(context.Context, int) (int, error) { return 0, err }), soon(2))
			letter := dead(t, q, 1)[0]
			assert.Equal(t, messages.DeadAttempts, letter.Reason)
			assert.Equal(t, 2, letter.Attempts)
			_, err := jetstream.Await[int](t.Context(), q, "one")
			var told *jetstream.TaskError
			require.ErrorAs(t, err, &told)
			assert.Equal(t, 2, told.Attempts)
		})
	}
}

func TestAStopThatMayNotWaitLeavesATaskWhoseErrorDoesNotSayWhatItIs(t *testing.T) {
	q := queue(t, open(t, t.TempDir()))
	submit(t, q, 1)
	asked, never := make(chan struct{}), make(chan struct{})
	defer close(never)
	err := &badError{text: func() { close(asked); <-never }}
	f := attach(t, q, pool(t, func(context.Context, int) (int, error) { return 0, err }))
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stats, stopped := f.Stop(ctx)
	require.ErrorIs(t, stopped, context.Canceled)
	assert.Zero(t, stats.Held)
	assert.Equal(t, int64(1), inspect(t, q).InHand, "until its lease ends")
}

// A hookedCodec calls a function before it reads a payload, and one before it says its
// name.
type hookedCodec struct {
	jetstream.JSON
	reads, named func()
}

func (c *hookedCodec) Name() string { call(c.named); return "hooked" }

func (c *hookedCodec) Unmarshal(data []byte, v any) error {
	call(c.reads)
	return c.JSON.Unmarshal(data, v)
}

func TestACodecWithoutANameIsAnErrorOfTheSubmission(t *testing.T) {
	codec := &hookedCodec{named: func() { panic("who knows") }}
	q := queue(t, open(t, t.TempDir()), jetstream.WithCodec(codec))
	_, err := q.Submit(t.Context(), 1)
	require.ErrorIs(t, err, messages.ErrInvalidOption)
	assert.ErrorContains(t, err, "who knows")
}

func TestAStopThatMayNotWaitCancelsAlsoWhatIsOnItsWayToThePool(t *testing.T) {
	reading, read := make(chan struct{}), make(chan struct{})
	q := queue(t, open(t, t.TempDir()), jetstream.WithCodec(&hookedCodec{reads: func() { close(reading); <-read }}))
	submit(t, q, 1)
	f := attach(t, q, pool(t, newGate().handle))
	<-reading
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stopped := make(chan error, 1)
	go func() { _, err := f.Stop(ctx); stopped <- err }()
	require.Never(t, func() bool { return len(stopped) > 0 }, 100*time.Millisecond, 10*time.Millisecond)
	close(read)
	require.ErrorIs(t, <-stopped, context.Canceled)
	assert.Equal(t, int64(1), f.Stats().GivenBack)
}
