package engine

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"sync/atomic"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// A binding says when and how a task is bound to its worker.
type binding int8

const (
	late       binding = iota // the next free worker takes it
	roundRobin                // workers take turns
	random
	hashed // by key; tasks without a key use round-robin
	picked // by the user's function
)

// A dispatch chooses workers for tasks. It is safe for concurrent use.
type dispatch struct {
	binding binding
	toAll   bool // each message to the pool's PID is broadcast
	pick    func(router.TaskView, router.Workers) int
	seed    maphash.Seed

	_        [64]byte
	turns    atomic.Uint64 // turns drawn so far
	sequence atomic.Uint64 // tasks accepted for workers that no turn chose
	_        [48]byte
	stamp    atomic.Int64 // engine time, which senders read now and then
	_        [56]byte
}

func newDispatch(d router.Dispatch) *dispatch {
	bindings := map[string]binding{
		router.RoundRobin().String():     roundRobin,
		router.Random().String():         random,
		router.ConsistentHash().String(): hashed,
		router.Broadcast().String():      roundRobin,
	}
	out := &dispatch{binding: bindings[d.String()], pick: d.Pick(), toAll: d.String() == router.Broadcast().String()}
	if out.pick != nil {
		out.binding = picked
	}
	if out.binding == hashed {
		out.seed = maphash.MakeSeed()
	}
	return out
}

// A target says where a task goes: to one worker, or to any that has room.
type target struct {
	worker *Worker // nil: draw one
	hash   uint64
	keyed  bool
	view   *view   // in which the hash stands for worker
	turn   uint64  // the last turn drawn for the task; 0: none
	trial  *Worker // the worker that got the task as the probe of its breaker; nil: none
	// How closely to look for room, at some cost: whether to count again what seems to be
	// full, and whether to ask every worker.
	recount, all bool
}

// addresses reports whether a task's description may decide which worker it goes to.
func (d *dispatch) addresses() bool { return d.binding == hashed || d.binding == picked }

// address sets the target of a task, as far as the task's description decides it. It calls
// the user's function, so no lock may be held.
func (d *dispatch) address(s *Spec, v *view) (err error) {
	switch {
	case d.binding == hashed && s.Key != "":
		s.to.keyed, s.to.hash = true, d.hash(s.Key)
		s.to.rehash(v)
	case d.binding == picked && len(v.eligible) > 0:
		s.to.worker, err = d.ask(s.view(), v)
	}
	return err
}

// draw takes a turn. It returns the worker whose turn it is, and the number of the turn.
// The view must not be empty.
func (d *dispatch) draw(v *view) (w *Worker, turn uint64) {
	turn = d.turns.Add(1)
	if d.binding == random {
		return v.eligible[rand.IntN(len(v.eligible))], turn
	}
	return v.eligible[(turn-1)%uint64(len(v.eligible))], turn
}

// number returns the sequence number of a task that is bound early. With round-robin and
// random dispatch it is the number of the turn, so the sequence may have gaps.
func (d *dispatch) number(turn uint64) uint64 {
	if d.addresses() {
		return d.sequence.Add(1)
	}
	return turn
}

// accepted returns how many numbers have been given out under early binding.
func (d *dispatch) accepted() uint64 {
	if d.addresses() {
		return d.sequence.Load()
	}
	return d.turns.Load()
}

func (d *dispatch) hash(key string) uint64 { return maphash.String(d.seed, key) }

// ofKey returns the worker for a key. It returns nil if there are no workers.
func (d *dispatch) ofKey(key string, v *view) *Worker { return hashTo(d.hash(key), v) }

// rehash chooses the worker of a task with a key from a view.
func (to *target) rehash(v *view) {
	if to.view != v {
		to.worker, to.view = hashTo(to.hash, v), v
	}
}

// hashTo returns the worker for a hash. It hashes over all workers in dispatch, so that
// only the keys of a sidelined worker move, and later return to it. It returns nil if there
// are no workers.
func hashTo(hash uint64, v *view) *Worker {
	if len(v.routees) == 0 {
		return nil
	}
	i := jump(hash, len(v.routees))
	if len(v.aside) == 0 || !v.aside[i] {
		return v.routees[i]
	}
	return v.eligible[jump(hash, len(v.eligible))]
}

// jump maps a key to one of n buckets. When n grows by one, 1/(n+1) of the keys move, all
// of them to the new bucket.
func jump(key uint64, n int) int {
	bucket, next := int64(-1), int64(0)
	for next < int64(n) {
		bucket = next
		key = key*2862933555777941757 + 1
		next = int64(float64(bucket+1) * (float64(int64(1)<<31) / float64((key>>33)+1)))
	}
	return int(bucket)
}

// ask calls the user's function. The error says why its answer is invalid.
func (d *dispatch) ask(task router.TaskView, v *view) (*Worker, error) {
	i := 0
	if err := guard.Call(func() { i = d.pick(task, v) }); err != nil {
		return nil, fmt.Errorf("%w: custom dispatch %w", messages.ErrInvalidOption, err)
	}
	if i < 0 || i >= len(v.eligible) {
		return nil, fmt.Errorf("%w: custom dispatch picked worker %d of %d", messages.ErrInvalidOption, i, len(v.eligible))
	}
	return v.eligible[i], nil
}
