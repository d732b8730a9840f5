package dashboard

import (
	"math"
	"sync"
	"time"

	"github.com/troupe-go/troupe/internal/directory"
	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/internal/meter"
	"github.com/troupe-go/troupe/internal/ring"
	"github.com/troupe-go/troupe/messages"
)

// keepTasks is how many successes, and how many other outcomes, are kept of each pool.
const keepTasks = 512

// watched is a pool under the dashboard's eyes.
type watched struct {
	label   string
	pool    directory.Pool
	journal *journal.Journal

	mu      sync.Mutex
	latest  *view             // guarded by mu; what it points to is never written to again
	history ring.Ring[point]  // guarded by mu
	recent  ring.Ring[moment] // guarded by mu; the last windowLength, and the one before them
	stopped time.Time         // guarded by mu; zero while the pool runs
}

// watch begins to watch a pool: what it has done before is in its totals alone.
func watch(entry *directory.Entry, payload func(any) string) *watched {
	p := &watched{
		label:   entry.Label,
		pool:    entry.Pool,
		journal: journal.New(journal.Options{Keep: keepTasks, Payload: payload}),
		history: ring.New[point](historyLength),
		recent:  ring.New[moment](windowLength + 1),
	}
	stats := p.pool.Stats()
	p.recent.Add(p.moment(&stats))
	p.pool.Attach(p.journal)
	return p
}

func (p *watched) moment(stats *messages.Stats) moment {
	wait, run := p.pool.Histograms()
	return moment{at: stats.At, counts: countsOf(stats), wait: wait, run: run}
}

// A view is a pool at an instant.
type view struct {
	of      *watched
	at      time.Time
	stats   messages.Stats
	stopped bool
	point   point
	recent  counts // what came in the last seconds
	alerts  []alert
	tasks   func() []journal.Entry // the newest first; read once, when somebody asks
}

// sample takes a look at the pool, unless it has stopped.
func (p *watched) sample(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped.IsZero() {
		p.sampleLocked(now)
	}
}

// stop takes the last look.
func (p *watched) stop(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = now
	p.sampleLocked(now)
}

func (p *watched) sampleLocked(now time.Time) {
	stats := p.pool.Stats()
	is := p.moment(&stats)
	p.recent.Add(is)
	was, before := p.agoLocked(1), p.agoLocked(windowLength)
	v := &view{of: p, at: now, stats: stats, stopped: !p.stopped.IsZero(), recent: is.counts.since(before.counts)}
	v.point = newPoint(&stats, is.counts.since(was.counts), is.at.Sub(was.at), is.wait.Since(before.wait), is.run.Since(before.run))
	v.alerts = alertsOf(v)
	v.tasks = sync.OnceValue(p.tasks)
	p.history.Add(v.point)
	p.latest = v
}

// view is the pool as it was sampled last, or now if that is never.
func (p *watched) view() *view {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.latest == nil {
		p.sampleLocked(time.Now())
	}
	return p.latest
}

func (p *watched) points() []point {
	p.mu.Lock()
	defer p.mu.Unlock()
	points := make([]point, p.history.Len())
	for i := range points {
		points[i] = *p.history.At(i)
	}
	return points
}

func (p *watched) stoppedAt() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopped
}

// counts are the figures of a pool that only grow, as of an instant or of a span of time.
type counts struct {
	submitted, attempts, settled, troubled, dropped, rejected, restarts int64

	reasons [messages.Reasons + 1]int64 // of those rejected
}

func countsOf(s *messages.Stats) counts {
	c := counts{
		submitted: s.Submitted,
		attempts:  s.RunTime.Count,
		settled:   s.Settled(),
		troubled:  s.Failed + s.Panicked + s.TimedOut + s.Quarantined + s.Dropped,
		dropped:   s.Dropped,
		rejected:  s.Rejected,
		restarts:  s.Restarts + s.Replaced,
	}
	for reason, n := range s.Rejections {
		c.reasons[reason] = n
	}
	return c
}

func (c counts) since(e counts) counts {
	for i := range c.reasons {
		c.reasons[i] -= e.reasons[i]
	}
	return counts{
		c.submitted - e.submitted, c.attempts - e.attempts, c.settled - e.settled, c.troubled - e.troubled,
		c.dropped - e.dropped, c.rejected - e.rejected, c.restarts - e.restarts, c.reasons,
	}
}

// windowLength is how many samples quantiles and alerts look back: the length of
// [messages.StatsWindow].
const windowLength = int(messages.StatsWindow / interval)

type moment struct {
	at        time.Time
	counts    counts
	wait, run meter.Histogram
}

// agoLocked is the moment n before the last one, or the first there is.
func (p *watched) agoLocked(n int) *moment { return p.recent.At(max(p.recent.Len()-1-n, 0)) }

// A point is a sample in the charts. Times are in seconds; what there is none of is NaN.
type point struct {
	at                                          time.Time
	throughput, troubled                        float64 // a second
	queued, oldest, busy, size, utilization     float64
	wait50, wait95, wait99, run50, run95, run99 float64
}

func newPoint(s *messages.Stats, second counts, span time.Duration, wait, run meter.Histogram) point {
	p := point{
		at: s.At, queued: float64(s.Queued), oldest: s.OldestQueued.Seconds(),
		busy: float64(s.Busy), size: float64(s.Size), utilization: s.Utilization,
		wait50: quantile(wait, 0.50), wait95: quantile(wait, 0.95), wait99: quantile(wait, 0.99),
		run50: quantile(run, 0.50), run95: quantile(run, 0.95), run99: quantile(run, 0.99),
	}
	seconds := max(span, interval/2).Seconds() // it is short after the first look: no rate of that is of use
	p.throughput, p.troubled = float64(second.attempts)/seconds, float64(second.troubled)/seconds
	return p
}

func quantile(h meter.Histogram, q float64) float64 {
	if h.Count <= 0 {
		return math.NaN()
	}
	return h.Quantile(q).Seconds()
}

// historyLength is how many points the charts have: five minutes.
const historyLength = int(5 * time.Minute / interval)
