package jetstream

import (
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// A port is a subscription by which tasks come that were asked for. It has at most one
// request under way.
type port struct {
	level *level
	inbox string
	sub   *nats.Subscription
	gone  chan struct{} // closed when nothing more comes
	ended chan struct{} // holds one: the request has ended

	busy atomic.Bool // a task that has come is being begun

	wanted int       // guarded by Feeder.mu; what is still to come of the request
	got    int       // guarded by Feeder.mu; what has come of it
	heard  time.Time // guarded by Feeder.mu; when something came last
}

// A request is what the server is sent.
type request struct {
	Batch     int           `json:"batch"`
	NoWait    bool          `json:"no_wait,omitempty"`
	Expires   time.Duration `json:"expires,omitempty"`
	Heartbeat time.Duration `json:"idle_heartbeat,omitempty"`
}

const (
	requestExpires = 30 * time.Second
	heartbeat      = 2 * time.Second // while nothing comes; the request is made again after 3 without
	sweepPatience  = time.Second     // for a request that does not wait
)

// ask makes a request for n tasks. There must be none under way.
func (p *port) ask(r request) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f := p.level.feeder
	f.mu.Lock()
	p.wanted, p.got, p.heard = r.Batch, 0, time.Now()
	f.mu.Unlock()
	if err = f.queue.store.conn.PublishRequest(p.level.subject, p.inbox, data); err != nil {
		p.end()
	}
	return err
}

// What the server says of a request, by its status.
const (
	statusNone      = ""    // it is a task
	statusHeartbeat = "100" // it still waits
	statusNothing   = "404" // there is nothing
	statusTimeout   = "408" // nothing more has come in its time
)

// receive takes what comes: a task, or what the server has to say of the request.
func (p *port) receive(msg *nats.Msg) {
	f := p.level.feeder
	status := statusNone
	if len(msg.Data) == 0 {
		status = msg.Header.Get("Status")
	}
	switch status {
	case statusNone:
		p.busy.Store(true)
		f.receive(msg, p.level.priority)
		p.busy.Store(false)
		f.mu.Lock()
		p.heard = time.Now()
		p.wanted = max(p.wanted-1, 0)
		p.got++
		last := p.wanted == 0
		f.mu.Unlock()
		if last {
			p.end()
		}
	case statusHeartbeat:
		f.mu.Lock()
		p.heard = time.Now()
		f.mu.Unlock()
	case statusNothing, statusTimeout:
		p.end()
	default: // no leader, or no consumer any more
		f.rest(status + " " + msg.Header.Get("Description"))
		p.end()
	}
}

// end says that no more comes of the request.
func (p *port) end() {
	f := p.level.feeder
	f.mu.Lock()
	p.wanted = 0
	f.mu.Unlock()
	select {
	case p.ended <- struct{}{}:
	default:
	}
	if p == &p.level.coming { // the puller waits for the other itself
		f.poke()
	}
}

// fetch asks for n tasks that are there, and returns how many came.
func (p *port) fetch(n int) (got int) {
	f := p.level.feeder
	if f.stops() || p.busy.Load() { // a codec takes its time: what came would lie here unseen
		return 0
	}
	select {
	case <-p.ended: // of a request that was given up
	default:
	}
	if p.ask(request{Batch: n, NoWait: true}) != nil {
		return 0
	}
	limit := time.NewTimer(sweepPatience)
	defer limit.Stop()
	select {
	case <-p.ended:
	case <-limit.C: // what still comes is taken
	case <-f.stopped:
		p.last()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	p.wanted = 0 // one that was lost, with its server, must not take up room
	return p.got
}

// last waits for the end of the request that is under way when the feeder is to stop. If
// the subscription ended before, the server would have delivered what it has nobody for,
// and that would count as lost.
func (p *port) last() {
	limit := time.NewTimer(endPatience / 4)
	defer limit.Stop()
	select {
	case <-p.ended:
	case <-limit.C:
	}
}
