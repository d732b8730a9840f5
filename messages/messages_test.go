package messages_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/messages"
)

func TestOutcomesHaveNames(t *testing.T) {
	tests := []struct {
		outcome messages.Outcome
		want    string
	}{
		{messages.Succeeded, "succeeded"},
		{messages.Failed, "failed"},
		{messages.Panicked, "panicked"},
		{messages.TimedOut, "timed out"},
		{messages.Canceled, "canceled"},
		{messages.Dropped, "dropped"},
		{messages.Quarantined, "quarantined"},
		{messages.Rejected, "rejected"},
		{0, "Outcome(0)"},
		{-1, "Outcome(-1)"},
		{messages.Rejected + 1, "Outcome(9)"},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, tt.outcome.String())
		assert.Equal(t, tt.want, fmt.Sprint(tt.outcome))
	}
	assert.EqualValues(t, messages.Quarantined, messages.Outcomes, "the rejected are not in the ledger")
}

func TestWorkerStatesHaveNames(t *testing.T) {
	tests := []struct {
		state messages.WorkerState
		want  string
	}{
		{messages.WorkerIdle, "idle"},
		{messages.WorkerBusy, "busy"},
		{messages.WorkerSuspended, "suspended"},
		{messages.WorkerStopping, "stopping"},
		{0, "WorkerState(0)"},
		{messages.WorkerSidelined, "sidelined"},
		{messages.WorkerSidelined + 1, "WorkerState(6)"},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, tt.state.String())
	}
}

var sentinels = []error{
	messages.ErrQueueFull, messages.ErrPoolStopped, messages.ErrNoWorkers, messages.ErrPayloadType,
	messages.ErrDeadlock, messages.ErrTaskTimeout, messages.ErrCanceled, messages.ErrDropped,
	messages.ErrQuarantined, messages.ErrInvalidOption, messages.ErrGoexit,
}

func TestSentinelsAreThemselvesAndNoOther(t *testing.T) {
	for i, a := range sentinels {
		assert.Regexp(t, "^troupe: ", a.Error())
		for j, b := range sentinels {
			assert.Equal(t, i == j, errors.Is(fmt.Errorf("wrapped: %w", a), b), "%v, %v", a, b)
		}
	}
}

func TestTimeoutIsDeadlineExceeded(t *testing.T) {
	err := fmt.Errorf("wrapped: %w", messages.ErrTaskTimeout)
	assert.ErrorIs(t, err, messages.ErrTaskTimeout)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.NotErrorIs(t, err, context.Canceled)
	assert.NotErrorIs(t, context.DeadlineExceeded, messages.ErrTaskTimeout, "a deadline need not be the task's")

	var timeout interface{ Timeout() bool } // what code that knows net.Error asks for
	require.ErrorAs(t, err, &timeout)
	assert.True(t, timeout.Timeout())

	for _, other := range sentinels {
		if other != messages.ErrTaskTimeout {
			assert.NotErrorIs(t, other, context.DeadlineExceeded)
		}
	}
}

func TestPanicErrorUnwrapsToAnErrorOnly(t *testing.T) {
	cause := &fs.PathError{Op: "open", Path: "/x", Err: io.ErrUnexpectedEOF}
	err := fmt.Errorf("task 7: %w", &messages.PanicError{Value: cause, Stack: []byte("stack")})

	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	var path *fs.PathError
	require.ErrorAs(t, err, &path)
	assert.Same(t, cause, path)
	var panicked *messages.PanicError
	require.ErrorAs(t, err, &panicked)
	assert.Equal(t, "stack", string(panicked.Stack))
	assert.ErrorContains(t, err, "handler panicked: open /x")

	plain := &messages.PanicError{Value: "boom"}
	assert.NoError(t, plain.Unwrap())
	assert.EqualError(t, plain, "troupe: handler panicked: boom")
	assert.ErrorIs(t, &messages.PanicError{Value: messages.ErrGoexit}, messages.ErrGoexit)
}

func TestLedger(t *testing.T) {
	stats := messages.Stats{
		Queued: 1, Running: 2,
		Succeeded: 10, Failed: 20, Panicked: 40, TimedOut: 80, Canceled: 160, Dropped: 320, Quarantined: 640,
		Rejected: 5000, Restarts: 6000, Replaced: 7000, // not in the ledger
	}
	assert.EqualValues(t, 1270, stats.Settled())
	assert.False(t, stats.Balanced())
	stats.Submitted = 1273
	assert.True(t, stats.Balanced())
	stats.Running--
	assert.False(t, stats.Balanced())
	assert.True(t, new(messages.Stats).Balanced())
}

// The set of control messages is what a pool obeys; no task may be mistaken for one.
func TestControlMessages(t *testing.T) {
	for _, m := range []any{
		&messages.GetStats{}, &messages.Resize{}, &messages.Pause{}, &messages.Resume{},
		&messages.Drain{}, &messages.Finish{}, &messages.Broadcast{},
	} {
		assert.Implements(t, (*messages.Control)(nil), m)
	}
	for _, m := range []any{&messages.Task{}, &messages.Result{}, &messages.Report{}, &messages.Stats{}, "text"} {
		assert.NotImplements(t, (*messages.Control)(nil), m)
	}
}
