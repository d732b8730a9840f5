// Package request has what a pool asks its supervisor to do.
package request

import "sync"

// A Request is a control message that the supervisor carries out. It is done exactly once,
// whatever happens to the supervisor in the meantime. It is safe for concurrent use.
type Request struct {
	// Message is the control message.
	Message any

	answer func(answer any)

	mu   sync.Mutex
	done bool     // guarded by mu
	then []func() // guarded by mu; called when the request is done
}

// New returns a request. answer is called at most once, on any goroutine; it must not block.
func New(message any, answer func(answer any)) *Request {
	return &Request{Message: message, answer: answer}
}

// Answer answers the request, unless it is done. Then it is done.
func (r *Request) Answer(answer any) { r.finish(func() { r.answer(answer) }) }

// Done records that a request whose sender expects no answer has been carried out.
func (r *Request) Done() { r.finish(func() {}) }

func (r *Request) finish(answer func()) {
	r.mu.Lock()
	if r.done {
		r.mu.Unlock()
		return
	}
	r.done = true
	then := r.then
	r.then = nil
	r.mu.Unlock()
	answer()
	for _, f := range then {
		f()
	}
}

// Answered reports whether the request has been answered or is done.
func (r *Request) Answered() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.done
}

// Then calls f when the request is done; at once, if it is. f must not block.
func (r *Request) Then(f func()) {
	if !r.add(f) {
		f()
	}
}

func (r *Request) add(f func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done {
		return false
	}
	r.then = append(r.then, f)
	return true
}
