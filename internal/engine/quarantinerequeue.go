package engine

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe/messages"
)

// Requeue submits quarantined tasks and returns how many it has submitted. At the first
// task that cannot be accepted, it stops and returns the reason. That task and the later
// ones stay in the quarantine. Requeue drops no other task to make room.
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
	// Deferred, since a custom dispatch may end this goroutine before the task is accepted.
	defer func() { e.quarantine.unclaim(entry, entry.copy.load().status() != fresh) }()
	spec := entry.spec
	return e.Submit(context.Background(), entry.copy, &spec)
}

// Quarantined returns the quarantined tasks, oldest first.
func (e *admission) Quarantined() []messages.QuarantinedTask { return e.quarantine.tasks() }

// DeleteQuarantined deletes quarantined tasks and returns how many it has deleted.
func (e *admission) DeleteQuarantined(numbers []int64) int { return e.quarantine.remove(numbers) }
