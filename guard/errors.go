package guard

import (
	"errors"
	"fmt"
)

// Is is errors.Is for an error whose methods may be user code. It returns false if they
// fail or block.
func Is(err, target error) bool {
	is, _ := Try(func() bool { return errors.Is(err, target) })
	return is
}

// As is errors.AsType for an error whose methods may be user code. It returns false if they
// fail or block.
func As[E error](err error) (found E, ok bool) {
	all, failed := Try(func() (list []E) {
		if e, ok := errors.AsType[E](err); ok {
			list = append(list, e)
		}
		return list
	})
	if failed != nil || len(all) == 0 {
		return found, false
	}
	return all[0], true
}

// Text returns the text of an error whose methods may be user code. If they fail or block,
// the text names the type of the error and what happened.
func Text(err error) string {
	text, failed := Try(err.Error)
	if failed != nil {
		return fmt.Sprintf("%T, whose text cannot be read: %v", err, failed)
	}
	return text
}

// Try is Within for a function with a result, and with [Limit]. The result is
// the zero value if f fails or blocks.
func Try[T any](f func() T) (result T, err error) {
	answer := make(chan T, 1)
	if err = Within(Limit, func() { answer <- f() }); err == nil {
		result = <-answer
	}
	return result, err
}
