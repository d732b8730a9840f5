package mailbox

import "github.com/asynkron/protoactor-go/actor"

// Sound returns an envelope as it is, except for a nil *actor.MessageEnvelope, with which
// Proto.Actor panics: that stands for a nil message.
func Sound(envelope any) any {
	if wrapped, ok := envelope.(*actor.MessageEnvelope); ok && wrapped == nil {
		return nil
	}
	return envelope
}
