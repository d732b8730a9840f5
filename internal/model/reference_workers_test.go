package model_test

import "slices"

// A refWorkers knows the workers one by one, by their places in the dispatch order. None
// of them comes or goes.
type refWorkers struct {
	pool  *reference
	early bool     // tasks are bound to workers when they are accepted
	ids   []string // of the workers
	turn  int      // the next ticket of round-robin
}

// none stands for no worker, or any.
const none = -1

func newRefWorkers(m *reference) *refWorkers {
	return &refWorkers{pool: m, early: m.script.dispatch != leastBusy, ids: m.seen.workers}
}

// name is the ID of the worker that runs the task, empty if its caller does.
func (c *refWorkers) name(t *refTask) string {
	if t.inCaller && t.attempts == 1 {
		return ""
	}
	return c.ids[t.worker]
}

// own is what is queued for one worker alone.
func (c *refWorkers) own(worker int) []*refTask {
	return slices.DeleteFunc(slices.Clone(c.pool.queue), func(t *refTask) bool { return t.worker != worker })
}

// isIdle reports whether a worker has nothing in hand.
func (c *refWorkers) isIdle(worker int) bool {
	return !slices.ContainsFunc(c.pool.hands, func(t *refTask) bool { return t.worker == worker })
}

func (c *refWorkers) loads() []load {
	loads := make([]load, c.pool.size)
	for i := range loads {
		loads[i] = load{queued: len(c.own(i)), idle: c.isIdle(i)}
	}
	return loads
}

func (c *refWorkers) hasRoom(worker int) bool {
	l := load{queued: len(c.own(worker)), idle: c.isIdle(worker)}
	return l.hasRoom(c.pool.script.share(worker, c.pool.size, len(c.pool.delayed)), c.pool.paused)
}

func (c *refWorkers) allHaveRoom() bool {
	for i := range c.pool.size {
		if !c.hasRoom(i) {
			return false
		}
	}
	return true
}

// findRoom chooses a worker for t, and reports whether there is room for it.
func (c *refWorkers) findRoom(t *refTask) bool {
	switch c.pool.script.dispatch {
	case leastBusy:
		t.worker = none
		return c.roomForShared()
	case byPick:
		t.worker = c.pool.script.picked(&t.op)
		return c.hasRoom(t.worker)
	default:
		return c.takeTurn(t)
	}
}

// takeTurn draws tickets until a worker has room. One that has none loses its turn.
func (c *refWorkers) takeTurn(t *refTask) bool {
	for range c.pool.size {
		if t.worker = c.drawTicket(); c.hasRoom(t.worker) {
			return true
		}
	}
	t.worker = none
	return false
}

// drawTicket is the worker whose turn it is.
func (c *refWorkers) drawTicket() int {
	worker := c.turn % c.pool.size
	c.turn++
	return worker
}

// roomForShared reports whether there is room in the queue, not counting what the free
// workers are about to take out of it, or a worker is free to take t.
func (c *refWorkers) roomForShared() bool {
	free, taken := 0, 0
	for i := range c.pool.size {
		if !c.pool.paused && c.isIdle(i) {
			free++
			taken += min(len(c.own(i)), 1)
		}
	}
	taken += min(len(c.own(none)), free-taken)
	return taken < free || len(c.pool.queue)-taken < c.pool.room()
}

// competes reports whether t needs the same place as one of those that wait.
func (c *refWorkers) competes(t *refTask, waiters []*refTask) bool {
	return slices.ContainsFunc(waiters, func(other *refTask) bool {
		return c.pool.script.picked(&other.op) == c.pool.script.picked(&t.op)
	})
}

// victimFor is the oldest task of the lowest priority that is queued for the worker whose
// turn it is, or that was picked. t takes its place. A ticket is drawn even if there is
// no victim.
func (c *refWorkers) victimFor(t *refTask) *refTask {
	if c.pool.script.dispatch == roundRobin {
		t.worker = c.drawTicket()
	}
	return oldestOfLowest(c.own(t.worker))
}

// next is the first task that a worker is free for. What is queued for the worker alone
// comes before what any worker may take.
func (c *refWorkers) next() *refTask {
	if c.pool.paused {
		return nil
	}
	for _, t := range c.pool.queue {
		if t.worker != none && c.isIdle(t.worker) {
			return t
		}
	}
	for i := range c.pool.size {
		if shared := c.own(none); len(shared) > 0 && c.isIdle(i) {
			shared[0].worker = c.taker(shared[0], i)
			return shared[0]
		}
	}
	return nil
}

// taker is the worker that takes a shared task. Which of the free ones does is not
// specified, so it is the one that was seen to.
func (c *refWorkers) taker(t *refTask, free int) int {
	if seen := c.pool.seen.tasks[t.index].worker; t.attempts < len(seen) {
		if i := slices.Index(c.ids, seen[t.attempts]); i >= 0 && c.isIdle(i) {
			return i
		}
	}
	return free
}
