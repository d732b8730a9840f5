package engine

import (
	"time"

	"github.com/troupe-go/troupe/messages"
)

// An attempt is what is known of the attempt in hand when it has failed. It is for the
// goroutine that made it.
type attempt struct {
	crash *messages.PanicError // nil: it has not panicked
	again *retryPlan           // nil: it is the last
	entry *quarantined         // nil: the task is not quarantined
}

// A retryPlan says when a task whose attempt has failed is tried again. outcome and err
// settle it if that turns out to be impossible.
type retryPlan struct {
	delay   time.Duration
	outcome messages.Outcome
	err     error
}
