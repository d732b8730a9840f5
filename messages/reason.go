package messages

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// A Reason says why a task was rejected, for those who count.
type Reason int

// The reasons, each with the error that it stands for.
const (
	RejectedOther       Reason = iota // any other error, such as one of a custom dispatch
	RejectedQueueFull                 // ErrQueueFull
	RejectedStopped                   // ErrPoolStopped
	RejectedNoWorkers                 // ErrNoWorkers
	RejectedPayloadType               // ErrPayloadType
	RejectedDeadlock                  // ErrDeadlock
	RejectedDeadline                  // ErrDeadlineUnreachable, or ErrTaskTimeout: its time was up before there was room
	RejectedCanceled                  // the end of the submitter's context, or ErrCanceled: the group had been canceled
	RejectedInvalid                   // ErrInvalidOption
)

// Reasons is the last of the reasons.
const Reasons = int(RejectedInvalid)

// String is the reason in snake case, as a label of a metric.
func (r Reason) String() string {
	switch r {
	case RejectedOther:
		return "other"
	case RejectedQueueFull:
		return "queue_full"
	case RejectedStopped:
		return "stopped"
	case RejectedNoWorkers:
		return "no_workers"
	case RejectedPayloadType:
		return "payload_type"
	case RejectedDeadlock:
		return "deadlock"
	case RejectedDeadline:
		return "deadline"
	case RejectedCanceled:
		return "canceled"
	case RejectedInvalid:
		return "invalid"
	default:
		return "Reason(" + strconv.Itoa(int(r)) + ")"
	}
}

// MarshalText implements encoding.TextMarshaler.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Reason) UnmarshalText(text []byte) error {
	for known := range Reason(Reasons + 1) {
		if known.String() == string(text) {
			*r = known
			return nil
		}
	}
	return fmt.Errorf("%w: no reason %q", ErrInvalidOption, text)
}

// ReasonOf is the reason that the error of a rejected task gives.
func ReasonOf(err error) Reason {
	for _, known := range []struct {
		err    error
		reason Reason
	}{
		{ErrCanceled, RejectedCanceled}, // first, since it comes with the error that has canceled a group
		{ErrDeadlock, RejectedDeadlock},
		{ErrPoolStopped, RejectedStopped},
		{ErrNoWorkers, RejectedNoWorkers},
		{ErrPayloadType, RejectedPayloadType},
		{ErrDeadlineUnreachable, RejectedDeadline},
		{ErrTaskTimeout, RejectedDeadline},
		{context.DeadlineExceeded, RejectedCanceled},
		{context.Canceled, RejectedCanceled},
		{ErrQueueFull, RejectedQueueFull}, // after what ends a wait for room, which it comes with
		{ErrInvalidOption, RejectedInvalid},
	} {
		if errors.Is(err, known.err) {
			return known.reason
		}
	}
	return RejectedOther
}
