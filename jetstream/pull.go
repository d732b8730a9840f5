package jetstream

import (
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
	if !f.queue.store.conn.IsConnected() {
		return // there is nothing on its way
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
// level, since a request cannot be taken back. sign reports that a task of this feeder
// will tell when there is more.
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
