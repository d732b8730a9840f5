package engine

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/mailbox"
	"github.com/troupe-go/troupe/messages"
)

// maxNesting is how deep batches of messages may lie in one another. A batch may even contain
// itself.
const maxNesting = 8

// unbatch calls post with a message as it was sent or, if it is a batch, with each message of
// the batch, one by one, in its own envelope. It calls refuse with a batch that cannot be
// unpacked.
func unbatch(envelope any, nesting int, post func(envelope any), refuse func(envelope any, err error)) {
	envelope = mailbox.Sound(envelope)
	_, message, sender := actor.UnwrapEnvelope(envelope)
	batch, ok := message.(actor.MessageBatch)
	if !ok {
		post(envelope)
		return
	}
	list, err := unpack(batch, nesting)
	if err != nil {
		refuse(envelope, err)
		return
	}
	for _, one := range list {
		unbatch(envelop(one, sender), nesting-1, post, refuse)
	}
}

// unpack returns the messages of a batch, which user code knows.
func unpack(batch actor.MessageBatch, nesting int) (list []any, err error) {
	if nesting == 0 {
		return nil, fmt.Errorf("%w: batches nested deeper than %d", messages.ErrInvalidOption, maxNesting)
	}
	if failed := guard.Call(func() { list = batch.GetMessages() }); failed != nil {
		return nil, fmt.Errorf("%w: GetMessages of %T %w", messages.ErrInvalidOption, batch, failed)
	}
	return list, nil
}
