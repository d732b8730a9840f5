// Package invalid makes the errors about arguments that make no sense.
package invalid

import (
	"fmt"

	"github.com/troupe-go/troupe/messages"
)

// Option returns an error that wraps [messages.ErrInvalidOption] and says what is
// wrong, naming the value.
func Option(format string, args ...any) error {
	return fmt.Errorf("%w: %s", messages.ErrInvalidOption, fmt.Sprintf(format, args...))
}
