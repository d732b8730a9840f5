package telemetry

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/directory"
	"github.com/troupe-go/troupe/internal/journal"
)

// maxEvents is how many events are kept until they are written.
const maxEvents = 1024

// A logbook collects what is to be logged and has it written at an interval.
type logbook struct {
	options   logOptions
	handler   slog.Handler // the user's, so it may panic, block, or end its goroutine
	successes bool         // are logged as well
	leave     func()       // the event stream and the directory

	// A lock, held while lines are written and taken before mu: a channel, since a wait for
	// a mutex would keep the clock of testing/synctest from going on.
	writing chan struct{}
	stopped chan struct{} // closed when nothing is written any more

	mu     sync.Mutex
	pools  map[*directory.Entry]*reading // guarded by mu; nil: nothing is written any more
	events []line                        // guarded by mu; maxEvents at most
	missed int64                         // guarded by mu; events for which there was no room
	timer  *time.Timer                   // guarded by mu
	ended  bool                          // guarded by mu; no timer is to be set any more
}

// reading is how far the journal of a pool has been read.
type reading struct {
	journal *journal.Journal
	last    int64
	gone    bool // the pool has stopped, so once more is enough
}

// A line is what is to be logged: one of the below.
type line struct {
	at     time.Time
	pool   string
	entry  *journal.Entry
	event  any
	missed int64
}

func (l *logbook) start(system *actor.ActorSystem) {
	subscription := system.EventStream.Subscribe(l.happened)
	unwatch := directory.Watch(system, directory.Watcher{Joined: l.joined, Left: l.left})
	l.leave = func() {
		system.EventStream.Unsubscribe(subscription)
		unwatch()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timer = time.AfterFunc(l.options.interval, l.tick)
}

// stop writes what there is left. It may be called any number of times.
func (l *logbook) stop() {
	l.mu.Lock()
	first := !l.ended
	l.ended = true
	l.timer.Stop()
	l.mu.Unlock()
	if !first {
		<-l.stopped
		return
	}
	defer close(l.stopped)
	l.leave()
	l.writing <- struct{}{}
	defer func() { <-l.writing }()
	l.write(l.collect())
	l.mu.Lock()
	defer l.mu.Unlock()
	for entry, r := range l.pools {
		entry.Detach(r.journal)
	}
	l.pools = nil
}

// joined is called on the goroutine that spawns the pool.
func (l *logbook) joined(entry *directory.Entry) {
	r := &reading{journal: journal.New(journal.Options{Keep: l.options.keep, FailuresOnly: !l.successes})}
	entry.Attach(r.journal)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pools[entry] = r
}

// left is called on a goroutine of the pool's.
func (l *logbook) left(entry *directory.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.pools[entry]; r != nil {
		r.gone = true
	}
}

// happened is called with every event of the system, on a goroutine of the pool's.
func (l *logbook) happened(event any) {
	if !ofInterest(event) {
		return
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.events) == maxEvents {
		l.missed++
		return
	}
	l.events = append(l.events, line{at: now, event: event})
}

// tick writes what there is, and sets the timer again.
func (l *logbook) tick() {
	l.writing <- struct{}{}
	l.write(l.collect())
	<-l.writing
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		l.timer.Reset(l.options.interval)
	}
}

// collect returns what has happened since the last time, in order.
func (l *logbook) collect() []line {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pools == nil {
		return nil
	}
	now := time.Now()
	lines := l.events
	if l.missed > 0 {
		lines = append(lines, line{at: now, missed: l.missed})
	}
	l.events, l.missed = nil, 0
	for entry, r := range l.pools {
		entries, last, missed := r.journal.Since(r.last)
		r.last = last
		for i := range entries {
			lines = append(lines, line{at: entries[i].At, pool: entry.Label, entry: &entries[i]})
		}
		if missed > 0 {
			lines = append(lines, line{at: now, pool: entry.Label, missed: missed})
		}
		if r.gone {
			entry.Detach(r.journal)
			delete(l.pools, entry)
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	return lines
}

// write hands the lines to the user's handler. If that ends the goroutine, another goes
// on with the next line.
func (l *logbook) write(lines []line) {
	for len(lines) > 0 {
		_ = guard.Apart(func() { // there is no other logger to tell
			for len(lines) > 0 {
				next := lines[0]
				lines = lines[1:]
				l.writeOne(next)
			}
		})
	}
}

func (l *logbook) writeOne(next line) {
	level, text, attrs := next.words()
	ctx := context.Background()
	if l.handler.Enabled(ctx, level) {
		record := slog.NewRecord(next.at, level, text, 0)
		record.AddAttrs(attrs()...)
		_ = l.handler.Handle(ctx, record) // there is no other logger to tell
	}
}
