package engine

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/router"
)

// A sender may have looked up the worker before it stopped.
func TestAMessageToAWorkerThatIsGoneIsADeadLetter(t *testing.T) {
	timelimit.Set(t)
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
		e := newEngine(t, dispatch)
		letters := make(chan any, 10)
		e.cfg.System.EventStream.Subscribe(func(event any) {
			if letter, ok := event.(*actor.DeadLetterEvent); ok {
				letters <- letter.Message
			}
		})
		w := seat(e, 2)[0]
		mailboxOf(w).suspend(true)
		mailboxOf(w).PostUserMessage("unread")
		e.Remove(w.pid)
		assert.Equal(t, "unread", <-letters)
		mailboxOf(w).PostUserMessage("late")
		assert.Equal(t, "late", <-letters)
	}
}
