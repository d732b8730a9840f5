package jetstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/messages"
)

// What callers branch on. The values that were wrong are in the texts, and what the
// client or the server said is in the chain.
var (
	// ErrUnavailable: the servers did not answer in time, or have no leader for the
	// queue. What was asked for may have been done nevertheless. The reason is in the
	// chain.
	ErrUnavailable = errors.New("troupe: store unavailable")
	// ErrStoreFull: the server has no room, or is not allowed to take it. Nothing was
	// stored.
	ErrStoreFull = errors.New("troupe: store full")
	// ErrTooLarge: the payload, or the headers, are larger than the server takes.
	// Nothing was stored.
	ErrTooLarge = errors.New("troupe: task too large")
	// ErrStoreInUse: another process, or another Store of this one, has the directory.
	ErrStoreInUse = errors.New("troupe: store in use")
	// ErrStoreCorrupt: files of the directory are not what was written when the store
	// was closed, or the server cannot read what it has. They have been left as they
	// were; see [WithDamage]. After a process was killed only the latter is known.
	ErrStoreCorrupt = errors.New("troupe: store corrupt")
	// ErrQueueDiffers: the queue exists with other settings than those asked for; see
	// [Reconfigure].
	ErrQueueDiffers = errors.New("troupe: queue has other settings")
	// ErrNoDeadLetter: the number is not, or no longer, that of a dead letter.
	ErrNoDeadLetter = errors.New("troupe: no such dead letter")
	// ErrNoResults: the queue does not keep results; see [Results].
	ErrNoResults = errors.New("troupe: queue keeps no results")
	// ErrStopped: the feeder stops, or its store has been closed.
	ErrStopped = errors.New("troupe: feeder stopped")
)

// Error codes of the server that the client names no constant for.
const (
	codeInsufficientResources js.ErrorCode = 10023
	codeStorageExceeded       js.ErrorCode = 10047
	codeStoreFailed           js.ErrorCode = 10077
	codeHeaderTooLarge        js.ErrorCode = 10097
	codeInProcess             js.ErrorCode = 10158 // a message with this ID is not stored yet
)

// invalidOption returns an error that wraps [messages.ErrInvalidOption] and says what is
// wrong, naming the value.
func invalidOption(format string, args ...any) error {
	return fmt.Errorf("%w: %s", messages.ErrInvalidOption, fmt.Sprintf(format, args...))
}

// explain gives an error of the client the sentinel by which callers know it.
func explain(err error) error {
	var api *js.APIError
	if answered, ok := errors.AsType[js.JetStreamError](err); ok {
		api = answered.APIError()
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrMaxPayload), isCode(api, js.JSErrCodeStreamMessageExceedsMaximum), isCode(api, codeHeaderTooLarge):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case isCode(api, codeStoreFailed) && isLimit(api):
		return fmt.Errorf("%w: %w", messages.ErrQueueFull, err)
	case isCode(api, codeStoreFailed), isCode(api, codeStorageExceeded), isCode(api, codeInsufficientResources):
		return fmt.Errorf("%w: %w", ErrStoreFull, err)
	case isSilence(err), api != nil && api.Code == http.StatusServiceUnavailable, isCode(api, codeInProcess):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

func isCode(api *js.APIError, code js.ErrorCode) bool { return api != nil && api.ErrorCode == code }

// isLimit reports whether it is the stream's own limit that was reached. The server
// tells it from a failure to write by the text alone.
func isLimit(api *js.APIError) bool {
	return api.Description == "maximum messages exceeded" || api.Description == "maximum bytes exceeded"
}

// isSilence reports whether err says that nobody has answered.
func isSilence(err error) bool {
	for _, silence := range []error{
		nats.ErrNoResponders, nats.ErrTimeout, nats.ErrConnectionClosed, nats.ErrConnectionReconnecting,
		nats.ErrDisconnected, nats.ErrNoServers, nats.ErrReconnectBufExceeded, nats.ErrConnectionDraining,
		js.ErrNoStreamResponse, js.ErrTooManyStalledMsgs, context.DeadlineExceeded,
	} {
		if errors.Is(err, silence) {
			return true
		}
	}
	return false
}
