// Package watchers tells the watchers of Troupe's own actors about their ends.
package watchers

import (
	"slices"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/deliver"
)

// Watchers are the actors that watch an actor of ours. Proto.Actor would tell them of its
// end on the goroutine of that actor, one after another: one that is gone and whose
// Proto.Actor dead letter has a subscriber that blocks would keep the actor from stopping.
// Watchers are safe for concurrent use. The zero value is empty.
type Watchers struct {
	mu   sync.Mutex
	list []*actor.PID // guarded by mu
	gone bool         // guarded by mu; the actor has stopped
}

// Handle handles a message to the actor with the given PID if it is a Watch or an Unwatch.
// Otherwise it returns false.
func (w *Watchers) Handle(d *deliver.Deliverer, self *actor.PID, message any) bool {
	switch message := message.(type) {
	case *actor.Watch:
		if !w.add(message.Watcher) {
			d.TellSystem(message.Watcher, &actor.Terminated{Who: self})
		}
	case *actor.Unwatch:
		w.remove(message.Watcher)
	default:
		return false
	}
	return true
}

// add adds a watcher. It returns false if the actor has stopped.
func (w *Watchers) add(watcher *actor.PID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone {
		return false
	}
	if !slices.ContainsFunc(w.list, watcher.Equal) {
		w.list = append(w.list, watcher)
	}
	return true
}

func (w *Watchers) remove(watcher *actor.PID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = slices.DeleteFunc(w.list, watcher.Equal)
}

// Tell tells the watchers that the actor with the given PID has stopped.
func (w *Watchers) Tell(d *deliver.Deliverer, self *actor.PID) {
	for _, watcher := range w.end() {
		d.TellSystem(watcher, &actor.Terminated{Who: self})
	}
}

// end returns the watchers, for the last time.
func (w *Watchers) end() []*actor.PID {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.list
	w.list, w.gone = nil, true
	return list
}
