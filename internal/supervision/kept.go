package supervision

import "sync/atomic"

// Kept carries state from a supervisor to its successor when the pool is restarted. A pool has one
// Kept as long as it lives, new at first. Its supervisors use it one after another. The foreign
// actors are in Routees.
type Kept struct {
	worker  atomic.Int64 // the number of the last worker: workers are named by their numbers, which go on
	stopped bool         // a supervisor has stopped, and left the size
	size    int          // workers of the pool's own that there should be, including lost ones
}

// leave records the size of a pool whose supervisor stops. lost workers count, since a restart
// makes up for them. foreign of the wanted workers stand for routees.
func (k *Kept) leave(wanted, lost, foreign int) {
	k.stopped, k.size = true, max(wanted+lost-foreign, 0)
}

// start returns the number of its own workers with which a pool starts. configured is that of
// the first start.
func (k *Kept) start(configured int) int {
	if !k.stopped {
		return configured
	}
	return k.size
}
