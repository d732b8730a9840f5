package messages_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/messages"
)

func TestEachErrorOfARejectionHasItsReason(t *testing.T) {
	for _, c := range []struct {
		err  error
		want messages.Reason
	}{
		{errors.New("another"), messages.RejectedOther},
		{nil, messages.RejectedOther},
		{messages.ErrQueueFull, messages.RejectedQueueFull},
		{messages.ErrPoolStopped, messages.RejectedStopped},
		{messages.ErrNoWorkers, messages.RejectedNoWorkers},
		{messages.ErrPayloadType, messages.RejectedPayloadType},
		{messages.ErrDeadlock, messages.RejectedDeadlock},
		{messages.ErrDeadlineUnreachable, messages.RejectedDeadline},
		{messages.ErrTaskTimeout, messages.RejectedDeadline},
		{messages.ErrCanceled, messages.RejectedCanceled},
		{fmt.Errorf("%w: %w", messages.ErrCanceled, messages.ErrDeadlock), messages.RejectedCanceled},
		{context.Canceled, messages.RejectedCanceled},
		{context.DeadlineExceeded, messages.RejectedCanceled},
		{messages.ErrInvalidOption, messages.RejectedInvalid},
	} {
		assert.Equal(t, c.want, messages.ReasonOf(c.err), "%v", c.err)
		if c.err != nil {
			assert.Equal(t, c.want, messages.ReasonOf(fmt.Errorf("more: %w", c.err)))
		}
	}
}

func TestWhatEndedAWaitForRoomIsTheReason(t *testing.T) {
	for why, want := range map[error]messages.Reason{
		messages.ErrDeadlock:     messages.RejectedDeadlock,
		messages.ErrPoolStopped:  messages.RejectedStopped,
		messages.ErrTaskTimeout:  messages.RejectedDeadline,
		context.Canceled:         messages.RejectedCanceled,
		context.DeadlineExceeded: messages.RejectedCanceled,
	} {
		assert.Equal(t, want, messages.ReasonOf(fmt.Errorf("%w: %w", messages.ErrQueueFull, why)))
		assert.Equal(t, want, messages.ReasonOf(fmt.Errorf("%w: %w", why, messages.ErrQueueFull)))
	}
}

func TestReasonsAreLabels(t *testing.T) {
	seen := make(map[string]bool)
	for r := range messages.Reason(messages.Reasons + 1) {
		assert.Regexp(t, "^[a-z_]+$", r.String())
		assert.False(t, seen[r.String()])
		seen[r.String()] = true
	}
	assert.Equal(t, "Reason(99)", messages.Reason(99).String())
}

func TestRejectionsGoThereAndBackAsJSON(t *testing.T) {
	before := messages.Stats{Rejections: map[messages.Reason]int64{}}
	for r := range messages.Reason(messages.Reasons + 1) {
		before.Rejections[r] = int64(r) + 1
	}
	text, err := json.Marshal(before)
	require.NoError(t, err)
	assert.Contains(t, string(text), `"queue_full":2`)
	var after messages.Stats
	require.NoError(t, json.Unmarshal(text, &after))
	assert.Equal(t, before.Rejections, after.Rejections)
	assert.ErrorIs(t, new(messages.Reason).UnmarshalText([]byte("because")), messages.ErrInvalidOption)
}
