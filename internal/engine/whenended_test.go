package engine

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/router"
)

var errEnd = errors.New("the end")

func TestWhenEndedTellsTheCauseOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, router.LeastBusy())
		ctx, cancel := context.WithCancelCause(context.Background())
		var causes []error
		stop := e.WhenEnded(ctx, func(cause error) { causes = append(causes, cause) })
		synctest.Wait()
		assert.Empty(t, causes)
		cancel(errEnd)
		synctest.Wait()
		require.Equal(t, []error{errEnd}, causes)
		stop()
		e.WhenEnded(ctx, func(cause error) { causes = append(causes, cause) })
		synctest.Wait()
		assert.Equal(t, []error{errEnd, errEnd}, causes, "it had ended before")
	})
}

func TestWhenEndedThatIsStoppedCallsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, router.LeastBusy())
		ctx, cancel := context.WithCancel(context.Background())
		stop := e.WhenEnded(ctx, func(error) { t.Error("called") })
		stop()
		stop()
		cancel()
		e.WhenEnded(context.Background(), func(error) { t.Error("called") })()
		synctest.Wait()
	})
}

// hostileEnd is a context whose methods fail once it has ended.
type hostileEnd struct {
	context.Context
	done  chan struct{}
	fails func()
}

func (c hostileEnd) Done() <-chan struct{} { return c.done }
func (c hostileEnd) Err() error            { c.fails(); return nil }
func (c hostileEnd) Value(any) any         { c.fails(); return nil }

func TestWhenEndedSurvivesTheMethodsOfTheContext(t *testing.T) {
	for name, fails := range map[string]func(){"panics": func() { panic("context") }, "exits": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEngine(t, router.LeastBusy())
				ended := false
				ctx := hostileEnd{context.Background(), make(chan struct{}), func() {}}
				ctx.fails = func() {
					if isClosed(ctx.done) {
						fails()
					}
				}
				var cause error
				e.WhenEnded(ctx, func(err error) { ended, cause = true, err })
				close(ctx.done)
				synctest.Wait()
				assert.True(t, ended)
				assert.Equal(t, context.Canceled, cause)
			})
		})
	}
}
