package guard

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/troupe-go/troupe/messages"
)

// ErrBlocked reports that user code has not returned in time. It goes on running.
var ErrBlocked = errors.New("troupe: user code does not return")

// Limit is how long a goroutine that the pool needs waits for user code that should
// return at once, such as a method of an error.
const Limit = 100 * time.Millisecond

// A failure says how user code ended other than by returning. It wraps a
// *messages.PanicError, whose own text is about handlers.
type failure struct{ crash *messages.PanicError }

// errGoexit returns the failure of user code that has ended its goroutine.
func errGoexit() error { return failure{&messages.PanicError{Value: messages.ErrGoexit}} }

func (f failure) Unwrap() error { return f.crash }

// Error returns a text with the value of the panic, whose own methods are user code.
func (f failure) Error() string {
	if f.crash.Value == any(messages.ErrGoexit) {
		return "called runtime.Goexit"
	}
	text, err := Try(func() string { return fmt.Sprint(f.crash.Value) })
	if err != nil {
		text = fmt.Sprintf("a %T", f.crash.Value)
	}
	return "panicked: " + text
}

// errPanic returns the failure of user code that has panicked. Call it where the panic was
// recovered.
func errPanic(value any) error {
	return failure{&messages.PanicError{Value: value, Stack: debug.Stack()}}
}

// Call runs f on the caller's goroutine and turns a panic into an error, which wraps a
// *messages.PanicError. A runtime.Goexit in f ends the goroutine.
func Call(f func()) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = errPanic(value)
		}
	}()
	f()
	return nil
}

// Watch runs f on the caller's goroutine. If f panics, Watch calls failed with the value of
// the panic and returns. If f ends the goroutine by runtime.Goexit, Watch calls failed with
// nil before the goroutine ends. failed can read the stack of the panic with debug.Stack.
func Watch(f func(), failed func(value any)) {
	returned := false
	defer func() {
		if !returned {
			failed(recover())
		}
	}()
	f()
	returned = true
}

// Report is Watch with an error as the argument of failed, like that of Apart.
func Report(f func(), failed func(err error)) {
	Watch(f, func(value any) {
		if value == nil {
			failed(errGoexit())
			return
		}
		failed(errPanic(value))
	})
}

// Apart runs f on a goroutine of its own and waits for it. The error wraps a
// *messages.PanicError if f panicked, or ended its goroutine: then its Value is
// messages.ErrGoexit.
func Apart(f func()) error { return <-start(f) }

// Within is Apart with a limit. It returns ErrBlocked if f has not returned by then. After
// that the caller must not read what f writes.
func Within(limit time.Duration, f func()) error {
	_, err := await(start(f), limit)
	return err
}

// await waits for the end of a call, but not longer than the limit. If the call is late, err
// is ErrBlocked.
func await(over <-chan error, limit time.Duration) (late bool, err error) {
	expired, stop := expiry(limit)
	defer stop()
	return receive(over, expired)
}

// expiry returns a channel that is closed after the limit, unless stop is called before.
func expiry(limit time.Duration) (expired <-chan struct{}, stop func() bool) {
	end := make(chan struct{})
	return end, time.AfterFunc(limit, func() { close(end) }).Stop
}

// receive waits for the end of a call until a time limit has expired. A call that has ended
// by then is not late, and if it is late, err is ErrBlocked.
func receive(over <-chan error, expired <-chan struct{}) (late bool, err error) {
	select {
	case err = <-over:
		return false, err
	case <-expired:
	}
	select {
	case err = <-over:
		return false, err
	default:
		return true, ErrBlocked
	}
}

// Together runs functions, each on a goroutine of its own, and waits for all of them, but
// not longer than the limit. failed is called for each that fails or does not return by
// then.
func Together(limit time.Duration, functions []func(), failed func(error)) {
	if len(functions) == 0 {
		return
	}
	over := make([]<-chan error, len(functions))
	for i, f := range functions {
		over[i] = start(f)
	}
	expired, stop := expiry(limit)
	defer stop()
	for _, channel := range over {
		if _, err := receive(channel, expired); err != nil {
			failed(err)
		}
	}
}

// start runs f on a goroutine of its own.
func start(f func()) <-chan error {
	over := make(chan error, 1)
	go func() {
		err := errGoexit() // unless f returns or panics
		defer func() { over <- err }()
		err = Call(f)
	}()
	return over
}

// GoOn runs f. If f ends its goroutine, GoOn runs f again on another one. A panic of f is
// not recovered.
func GoOn(f func()) {
	Watch(f, func(value any) {
		if value != nil {
			panic(value)
		}
		go GoOn(f)
	})
}
