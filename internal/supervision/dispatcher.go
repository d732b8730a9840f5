package supervision

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/deliver"
)

// dispatcher runs the supervisor's mailbox. If user code ends the goroutine, another
// goroutine goes on with the next message.
type dispatcher struct{ actor.Dispatcher }

// newDispatcher returns a dispatcher with the throughput of Proto.Actor's own.
func newDispatcher() dispatcher { return dispatcher{actor.NewDefaultDispatcher(300)} }

// Schedule implements [actor.Dispatcher].
func (dispatcher) Schedule(run func()) { go deliver.GoOn(run) }
