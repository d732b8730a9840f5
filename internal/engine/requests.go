package engine

import (
	"slices"

	"github.com/troupe-go/troupe/internal/request"
)

// requests has what the supervisor was asked to do and has not done, oldest first. A request
// outlives the supervisor: the next one gets it, after a restart of the pool. Only the
// goroutine of the pool's actor uses it.
type requests struct{ list []*request.Request }

// pending returns the requests that are not done.
func (r *requests) pending() []*request.Request {
	r.list = slices.DeleteFunc(r.list, (*request.Request).Answered)
	return r.list
}

func (r *requests) add(req *request.Request) { r.list = append(r.pending(), req) }

// then calls f when the requests that have been added are done.
func (r *requests) then(f func()) {
	if len(r.list) == 0 {
		f()
		return
	}
	r.list[len(r.list)-1].Then(f)
}
