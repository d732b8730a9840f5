package engine

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/guard"
	"github.com/troupe-go/troupe/messages"
)

// maxNesting is how deep batches of messages may lie in one another. A batch may even contain
// itself.
const maxNesting = 8

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
