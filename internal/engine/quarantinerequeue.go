package engine

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe/messages"
)

// Requeue submits quarantined tasks and returns how many it has submitted. At the first
// that cannot be accepted it stops and says why: that one and those after it stay where
// they are. No task is dropped for one of them.
func (e *admission) Requeue(numbers []int64) (int, error) {
	for i, number := range numbers {
		entry := e.quarantine.claim(number)
		if entry == nil {
			return i, fmt.Errorf("%w: number %d", messages.ErrNotQuarantined, number)
		}
		if err := e.requeue(entry); err != nil {
			return i, fmt.Errorf("requeue of number %d: %w", number, err)
		}
	}
	return len(numbers), nil
}

func (e *admission) requeue(entry *quarantined) error {
	accepted := false
	defer func() { e.quarantine.unclaim(entry, accepted) }() // a custom dispatch may end this goroutine
	spec := entry.spec
	err := e.Submit(context.Background(), entry.copy, &spec)
	accepted = err == nil
	return err
}

// Quarantined lists the quarantined tasks, the oldest first.
func (e *admission) Quarantined() []messages.QuarantinedTask { return e.quarantine.tasks() }

// DeleteQuarantined forgets quarantined tasks and returns how many it has forgotten.
func (e *admission) DeleteQuarantined(numbers []int64) int { return e.quarantine.remove(numbers) }
