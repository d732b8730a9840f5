package guard

import "context"

// Cause returns why a context that is done has ended. It never returns nil, whatever the
// user's context says.
func Cause(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return context.Canceled
}
