package engine

import (
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/request"
)

// requests has what the supervisor was asked to do and has not answered. A request outlives
// the supervisor: the next one gets it, after a restart of the pool. Only the goroutine of the
// pool's actor uses it.
type requests struct {
	pending    []*request.Request // oldest first
	supervisor *actor.PID         // nil: there is none at the moment
	closed     bool               // there will be none
}

// add adds a request. It returns the supervisor, to which the caller must send the request;
// nil: the next supervisor will get it. ok is false if there will be none.
func (r *requests) add(req *request.Request) (supervisor *actor.PID, ok bool) {
	if r.closed {
		return nil, false
	}
	r.pending = append(slices.DeleteFunc(r.pending, (*request.Request).Answered), req)
	return r.supervisor, true
}

// then calls f when the requests that have been added are done.
func (r *requests) then(f func()) {
	if len(r.pending) == 0 {
		f()
		return
	}
	r.pending[len(r.pending)-1].Then(f)
}

// begin records a new supervisor, and returns the requests to send to it.
func (r *requests) begin(supervisor *actor.PID) []*request.Request {
	r.supervisor = supervisor
	r.pending = slices.DeleteFunc(r.pending, (*request.Request).Answered)
	return slices.Clone(r.pending)
}

// pause records that the supervisor is about to stop.
func (r *requests) pause() { r.begin(nil) }

// close returns the requests that no supervisor will answer.
func (r *requests) close() []*request.Request {
	rest := r.pending
	r.pending, r.supervisor, r.closed = nil, nil, true
	return rest
}
