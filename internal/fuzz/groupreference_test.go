package fuzz_test

import (
	"time"

	"github.com/troupe-go/troupe/messages"
)

// A groupReference predicts what becomes of the tasks of a group.
type groupReference struct {
	groupScript
	account   groupAccount
	now       time.Duration
	next      int // the task that is submitted next
	unsettled int
	queue     []int
	running   map[int]time.Duration // when the handlers return, also those of settled tasks
	ended     bool                  // the tasks have been canceled
}

func (s groupScript) predict() groupAccount {
	m := &groupReference{
		groupScript: s, running: map[int]time.Duration{}, account: groupAccount{outcomes: map[int]messages.Outcome{}},
	}
	for m.goOn(); m.unsettled > 0 || m.next < len(m.tasks); m.goOn() {
		task, at := m.first()
		if m.ends > m.now && m.ends < at {
			m.now = m.ends
			m.cancel(messages.Canceled)
			continue
		}
		m.now = at
		delete(m.running, task)
		if _, settled := m.account.outcomes[task]; settled {
			continue
		}
		outcome := m.tasks[task].outcome
		m.settle(task, outcome)
		if outcome == messages.Succeeded {
			continue
		}
		if m.failFast {
			m.cancel(outcome)
		} else {
			m.fail(outcome)
		}
	}
	return m.account
}

// first is the handler that returns first.
func (m *groupReference) first() (task int, at time.Duration) {
	for n, returns := range m.running {
		if at == 0 || returns < at {
			task, at = n, returns
		}
	}
	return task, at
}

// goOn submits what may be submitted and has free workers take tasks.
func (m *groupReference) goOn() {
	for m.next < len(m.tasks) && (m.ended || m.inFlight == 0 || m.unsettled < m.inFlight) {
		if m.ended {
			m.account.outcomes[m.next] = messages.Rejected
		} else {
			m.queue = append(m.queue, m.next)
			m.unsettled++
		}
		m.next++
	}
	for len(m.queue) > 0 && len(m.running) < m.workers {
		m.running[m.queue[0]] = m.now + m.tasks[m.queue[0]].run
		m.queue = m.queue[1:]
	}
}

func (m *groupReference) settle(task int, outcome messages.Outcome) {
	m.account.outcomes[task], m.account.waited = outcome, m.now
	m.unsettled--
}

// fail notes the first error.
func (m *groupReference) fail(with messages.Outcome) {
	if m.account.failed == 0 {
		m.account.failed = with
	}
}

// cancel cancels all tasks, unless they have been canceled. Handlers that ignore that keep
// their workers.
func (m *groupReference) cancel(because messages.Outcome) {
	m.fail(because)
	if m.ended {
		return
	}
	m.ended = true
	for _, task := range m.queue {
		m.settle(task, messages.Canceled)
	}
	m.queue = nil
	for task := range m.running {
		if _, settled := m.account.outcomes[task]; !settled {
			m.settle(task, messages.Canceled)
		}
		if !m.tasks[task].stubborn {
			delete(m.running, task)
		}
	}
}
