package engine

import (
	"reflect"
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// replies has the forwarded tasks whose answers have not come, by the request IDs of the
// addresses to which the foreign actors answer.
//
// IDs are given out in order, and an ID that a waiting task has is passed over. So no two
// waiting tasks have the same one, and an ID comes again only after 4 billion others. The task
// with an ID is in the slot whose index is the ID modulo the number of slots, a power of 2.
type replies struct {
	open  sync.Once
	model *actor.PID // the address without an ID; has the process cached; set by open

	mu    sync.Mutex
	slots []*forwarding // guarded by mu
	count int           // guarded by mu; tasks in slots
	last  uint32        // guarded by mu; the last ID given out
}

const leastSlots = 64

// add gives a forwarded task its address.
func (r *replies) add(f *forwarding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if 2*r.count >= len(r.slots) {
		r.resizeLocked(max(2*len(r.slots), leastSlots))
	}
	mask := uint32(len(r.slots) - 1)
	r.last++
	for r.slots[r.last&mask] != nil {
		r.last++
	}
	// The copy has the cached process, which spares the answer a look into the registry. Package
	// reflect can copy it, since it copies the whole PID.
	reflect.ValueOf(&f.address).Elem().Set(reflect.ValueOf(r.model).Elem())
	f.address.RequestId = r.last
	r.slots[r.last&mask] = f
	r.count++
}

// resizeLocked sets the number of slots. Doubling the slots never makes two tasks collide: IDs
// that differ modulo n also differ modulo 2n.
func (r *replies) resizeLocked(n int) {
	slots := make([]*forwarding, n)
	for _, f := range r.slots {
		if f != nil {
			slots[f.address.RequestId&uint32(n-1)] = f
		}
	}
	r.slots = slots
}

// take removes and returns the task with an ID. It returns nil if there is none.
func (r *replies) take(id uint32) *forwarding {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.findLocked(id)
	if f != nil {
		r.removeLocked(f)
		f.taken.Store(true)
	}
	return f
}

// find returns the task with an ID. It returns nil if there is none.
func (r *replies) find(id uint32) *forwarding {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.findLocked(id)
}

func (r *replies) findLocked(id uint32) *forwarding {
	if len(r.slots) == 0 {
		return nil
	}
	f := r.slots[id&uint32(len(r.slots)-1)]
	if f == nil || f.address.RequestId != id {
		return nil
	}
	return f
}

// remove removes a task, unless it has been removed.
func (r *replies) remove(f *forwarding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.findLocked(f.address.RequestId) == f {
		r.removeLocked(f)
	}
}

func (r *replies) removeLocked(f *forwarding) {
	r.slots[f.address.RequestId&uint32(len(r.slots)-1)] = nil
	r.count--
	if r.count == 0 && len(r.slots) > 16*leastSlots {
		r.slots = nil // the memory of a burst
	}
}

// A replyProcess is the address to which foreign actors answer. It never blocks.
type replyProcess struct{ engine *Engine }

var _ actor.Process = replyProcess{}

// openReplies gives the pool an address to which foreign actors answer, unless it has one.
func (e *Engine) openReplies() {
	e.replies.open.Do(func() {
		system, name := e.cfg.System, e.self.Id+"/replies"
		pid, ok := system.ProcessRegistry.Add(replyProcess{e}, name)
		for !ok { // the user has an actor of that name
			pid, ok = system.ProcessRegistry.Add(replyProcess{e}, name+system.ProcessRegistry.NextId())
		}
		// To send something is the only way to have the process cached.
		actor.NewRootContext(system, nil).Send(pid, &actor.DeadLetterResponse{})
		e.replies.model = pid
	})
}

// closeReplies removes the address from the registry, when the last task has been settled.
func (e *Engine) closeReplies() {
	e.replies.open.Do(func() {}) // no worker will stand for a foreign actor any more
	if pid := e.replies.model; pid != nil {
		e.cfg.System.ProcessRegistry.Remove(pid)
	}
}

// SendUserMessage takes the answer of a foreign actor. An answer to a task that has been settled
// is a Proto.Actor dead letter, also one that comes after the pool has stopped: PIDs keep the
// process.
func (p replyProcess) SendUserMessage(pid *actor.PID, message any) {
	e := p.engine
	f := e.replies.take(pid.RequestId)
	if f != nil && e.answered(f, message) {
		return
	}
	if _, dead := actor.UnwrapEnvelopeMessage(message).(*actor.DeadLetterResponse); !dead {
		e.deliver.Refuse(pid, message)
	}
}

// SendSystemMessage passes on a message to the sender of the task, such as a Watch.
func (p replyProcess) SendSystemMessage(pid *actor.PID, message any) {
	e := p.engine
	if f := e.replies.find(pid.RequestId); f != nil {
		e.deliver.TellSystem(f.sender, message)
		return
	}
	e.deliver.Do(pid, func() { e.cfg.System.DeadLetter.SendSystemMessage(pid, message) })
}

// Stop implements actor.Process.
func (p replyProcess) Stop(pid *actor.PID) { p.SendSystemMessage(pid, &actor.Stop{}) }

// answered ends the attempt of a task for which a foreign actor has answered. It returns false
// if the attempt is over already.
//
// The task is settled before its sender gets the answer: so there is only one answer, and the
// statistics that the sender asks for next have the task.
func (e *Engine) answered(f *forwarding, message any) bool {
	x, content := &f.Holding, actor.UnwrapEnvelopeMessage(message)
	if _, dead := content.(*actor.DeadLetterResponse); dead {
		e.undelivered(f)
		return true
	}
	failure := e.failureIn(content)
	if failure == nil {
		told := false
		e.succeed(x, func() {
			if told = x.worker.mayAnswer(x.race, x.copy, true); told {
				e.deliver.Tell(f.sender, message)
			}
		})
		return told
	}
	envelope, ok := message.(*actor.MessageEnvelope)
	if !ok {
		envelope = &actor.MessageEnvelope{Message: message}
	}
	if !x.withhold(envelope) {
		return false
	}
	e.failHeld(x, failure)
	return true
}

// withhold keeps an answer that stands for a failure. It returns false if the attempt is over
// already.
func (x *Holding) withhold(answer *actor.MessageEnvelope) bool {
	q := x.worker.q
	q.mu.Lock()
	defer q.mu.Unlock()
	if !x.claimLocked(nil) {
		return false
	}
	x.reply.withheld = answer
	return true
}

// undelivered fails a task that has become a Proto.Actor dead letter on its way.
func (e *Engine) undelivered(f *forwarding) {
	w := f.worker
	if e.deliver.Gone(w.foreign) {
		e.leave(&w.Worker) // first, so that a retry goes to another worker
		w.PostSystemMessage(&actor.Terminated{Who: w.foreign})
	}
	f.Done(terminated(w.foreign))
}
