package jetstream

import (
	"encoding/json"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/messages"
)

// The client's own iterators take tasks ahead of the pool, out of its sight, and may
// drop what is on its way when they are stopped, so that it comes back no sooner than
// after its lease. So requests are made here, as the protocol of pull consumers has it
// (NATS ADR-13 and ADR-37), for as many tasks as there is room for; and each is counted.

// A level takes the tasks of one priority. It has two ports: by one it asks for what
// there is, by the other it waits for something to come while there is nothing.
type level struct {
	feeder   *Feeder
	priority int
	subject  string // for requests
	ready    port
	coming   port
}

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

func (l *level) open() error {
	q := l.feeder.queue
	info := q.consumers[l.priority].CachedInfo()
	l.subject = fmt.Sprintf("%s.CONSUMER.MSG.NEXT.%s.%s", apiPrefix, info.Stream, info.Name)
	for _, p := range []*port{&l.ready, &l.coming} {
		p.level, p.inbox = l, q.store.conn.NewInbox()
		p.gone, p.ended = make(chan struct{}), make(chan struct{}, 1)
		var err error
		if p.sub, err = q.store.conn.Subscribe(p.inbox, p.receive); err != nil {
			return err
		}
		p.sub.SetClosedHandler(func(string) { close(p.gone) })
		if err := p.sub.SetPendingLimits(-1, -1); err != nil { // what is asked for is bounded
			return err
		}
	}
	return nil
}

const apiPrefix = "$JS.API"

// closeLevels ends the subscriptions, once all that is on its way to them has come.
func (f *Feeder) closeLevels() {
	var gone []chan struct{}
	for _, l := range f.levels {
		for _, p := range []*port{&l.ready, &l.coming} {
			if p.sub != nil && p.sub.Drain() == nil {
				gone = append(gone, p.gone)
			}
		}
	}
	limit := time.NewTimer(endPatience) // the servers may be away
	defer limit.Stop()
	for _, g := range gone {
		select {
		case <-g:
		case <-limit.C:
			return
		}
	}
}

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

// rest has no request made for a moment.
func (f *Feeder) rest(why string) {
	f.mu.Lock()
	long := time.Since(f.resting) > time.Minute
	f.resting = time.Now()
	f.mu.Unlock()
	if long {
		f.queue.store.cfg.logger.Warn("no tasks to be had of the store", "queue", f.queue.name, "status", why)
	}
}

// pull asks for tasks whenever there is room.
func (f *Feeder) pull() {
	defer close(f.pulled)
	conn := f.queue.store.conn
	connected := conn.StatusChanged(nats.CONNECTED)
	defer conn.RemoveStatusListener(connected)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-f.wake:
		case <-timer.C:
		case _, ok := <-connected: // what was asked for went with the old connection
			if !ok {
				connected = nil
			}
			f.forgetRequests()
		case <-f.stopped:
			return
		}
		timer.Reset(f.fill())
	}
}

func (f *Feeder) forgetRequests() {
	for _, l := range f.levels {
		l.ready.end()
		l.coming.end()
	}
}

// How long the puller waits for a sign before it looks again.
const (
	idlePause  = time.Second
	otherPause = 20 * time.Millisecond // others have the workers, who do not tell
	restPause  = 250 * time.Millisecond
)

// fill asks until there is no room or nothing is there. It returns when to look again,
// unless there is a sign sooner.
func (f *Feeder) fill() time.Duration {
	for {
		if !f.queue.store.conn.IsConnected() { // requests would be kept, and all be answered when it is
			return idlePause
		}
		room, ahead, sign := f.room()
		f.mu.Lock()
		rests := time.Since(f.resting) < restPause
		f.mu.Unlock()
		switch {
		case rests:
			return restPause
		case room < 1+ahead/2 && sign:
			return idlePause
		case room < 1+ahead/2:
			return otherPause
		}
		if f.sweep() {
			f.listen()
			return idlePause
		}
	}
}

// sweep asks for what is there, the highest priority first. It reports whether there
// was nothing at all.
func (f *Feeder) sweep() (empty bool) {
	empty = true
	for _, l := range f.levels {
		room, _, _ := f.room()
		if room <= 0 {
			return false
		}
		got := l.ready.fetch(min(room, maxFetch))
		empty = empty && got == 0
		if got == room {
			return false // there may be more of it
		}
	}
	return empty
}

// maxFetch bounds one request.
const maxFetch = 4096

// fetch asks for n tasks that are there, and returns how many came.
func (p *port) fetch(n int) (got int) {
	f := p.level.feeder
	f.mu.Lock()
	none := f.stopping || p.busy.Load() // a codec takes its time: what came would lie here unseen
	f.mu.Unlock()
	if none {
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

// listen has the first task of each level come that is submitted.
func (f *Feeder) listen() {
	for _, l := range f.levels {
		f.mu.Lock()
		waits := l.coming.wanted > 0 && time.Since(l.coming.heard) < 3*heartbeat
		stopping := f.stopping
		f.mu.Unlock()
		if !waits && !stopping {
			_ = l.coming.ask(request{Batch: 1, Expires: requestExpires, Heartbeat: heartbeat})
		}
	}
}

// room is how many tasks may be asked for: one for each worker and those ahead, less
// what is held and asked for; and no more than the pool has free, if others submit to
// it, too. What waits for something to come is not counted: it may be one more for each
// level, since a request cannot be taken back. sign reports that a task of this feeder will tell when there is more.
func (f *Feeder) room() (room, ahead int, sign bool) {
	load := f.pool.Load()
	ahead = f.ahead(load)
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := 0
	for _, l := range f.levels {
		asked += l.ready.wanted
	}
	taken := len(f.held) + asked
	room = load.Size + ahead - taken
	f.enough = load.Size + ahead - (1 + ahead/2)
	if free := load.Free + ahead - load.Queued - asked; free < room {
		room, f.enough = free, math.MaxInt
	}
	if load.Paused {
		room = 0
	}
	return room, ahead, taken > 0
}

// A pace says how many tasks are done in a moment.
type pace struct {
	settled atomic.Int64
	from    time.Time // of the moment; these are the puller's own
	before  int64
	ahead   int
}

const (
	moment   = 10 * time.Millisecond
	maxAhead = 1024
)

// ahead is how many tasks the pool is given beyond its free workers. It is for the
// puller alone.
func (f *Feeder) ahead(load messages.Load) int {
	if f.cfg.prefetch >= 0 {
		return min(f.cfg.prefetch, load.Capacity)
	}
	p := &f.pace
	now := time.Now()
	if elapsed := now.Sub(p.from); elapsed >= moment {
		settled := p.settled.Load()
		p.ahead = int(min((settled-p.before)*int64(moment)/int64(elapsed), maxAhead))
		p.from, p.before = now, settled
	}
	return min(p.ahead, load.Capacity)
}
