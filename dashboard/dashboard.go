package dashboard

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/directory"
	"github.com/troupe-go/troupe/internal/invalid"
)

//go:embed assets
var assets embed.FS

// interval is the time between two samples, and so between two frames that a reader gets.
const interval = time.Second

// What is kept of pools that have stopped, so that one sees what became of them.
const (
	keepStopped = 10 * time.Minute
	maxStopped  = 16
)

// A Dashboard is the handler. It is safe for concurrent use.
type Dashboard struct {
	system   *actor.ActorSystem
	controls bool
	payload  func(any) string
	durables []*durable
	invalid  error // why it shows nothing
	routes   map[string]http.Handler
	feed     *feed
	unwatch  func()
	life     context.Context // ends when the dashboard is closed
	end      func()

	mu     sync.Mutex
	pools  []*watched  // guarded by mu; in the order they came
	timer  *time.Timer // guarded by mu; of the next sample
	closed bool        // guarded by mu
}

var _ http.Handler = (*Dashboard)(nil)

var errClosed = errors.New("the dashboard is closed")

// New returns a dashboard of all pools of the system, those to come included. It looks at
// them from now on, until Close is called or the system shut down. If an option makes no
// sense, or system is nil, it answers every request with an error that says so.
func New(system *actor.ActorSystem, opts ...Option) *Dashboard {
	d := &Dashboard{system: system, feed: newFeed()}
	d.invalid = d.configure(opts)
	if d.invalid != nil {
		d.closed = true
		return d
	}
	d.life, d.end = context.WithCancel(context.Background())
	d.routes = d.newRoutes()
	d.unwatch = directory.Watch(system, directory.Watcher{Joined: d.joined, Left: d.left})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.publishLocked()
	d.timer = time.AfterFunc(interval, d.tick)
	return d
}

func (d *Dashboard) configure(opts []Option) error {
	if d.system == nil {
		return invalid.Option("actor system is nil")
	}
	for i, o := range opts {
		if o == nil {
			return invalid.Option("dashboard option %d is nil", i)
		}
		if err := o.apply(d); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the dashboard: streams to readers end, the pools are not looked at any more,
// and requests are answered with an error. It may be called any number of times.
func (d *Dashboard) Close() {
	d.mu.Lock()
	closed := d.closed
	d.closed = true
	if d.timer != nil {
		d.timer.Stop()
	}
	pools := d.pools
	d.pools = nil
	d.mu.Unlock()
	if closed {
		return
	}
	d.end()
	d.unwatch() // calls left no more, and without mu: the directory has a lock of its own
	for _, p := range pools {
		p.pool.Detach(p.journal)
	}
	d.feed.close()
}

// tick samples all pools.
func (d *Dashboard) tick() {
	if d.system.IsStopped() {
		d.Close()
		return
	}
	for _, p := range d.list() {
		p.sample(time.Now())
	}
	if now := time.Now(); d.feed.watched(now) {
		d.inspect(now)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	d.forgetLocked(time.Now())
	d.publishLocked()
	d.timer.Reset(interval)
}

// inspect has the durable queues asked how they are.
func (d *Dashboard) inspect(now time.Time) {
	for _, q := range d.durables {
		q.inspect(d.life, now)
	}
}

func (d *Dashboard) list() []*watched {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.pools)
}

// publishLocked gives readers what there is now.
func (d *Dashboard) publishLocked() {
	views := make([]*view, len(d.pools))
	for i, p := range d.pools {
		views[i] = p.view()
	}
	now := time.Now()
	queues := make([]*queueJSON, len(d.durables))
	for i, q := range d.durables {
		queues[i] = q.json(now)
	}
	d.feed.publish(&frame{at: now, controls: d.controls, pools: views, queues: queues})
}

func (d *Dashboard) joined(entry *directory.Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	p := watch(entry, d.payload)
	// One that has stopped makes way for its successor of the same name.
	d.pools = slices.DeleteFunc(slices.Clone(d.pools), func(old *watched) bool { return old.label == p.label })
	d.pools = append(d.pools, p)
}

// left keeps the last figures of a pool that has stopped.
func (d *Dashboard) left(entry *directory.Entry) {
	for _, p := range d.list() {
		if p.pool == entry.Pool {
			p.stop(time.Now())
		}
	}
}

// forgetLocked forgets pools that have stopped long ago, or too many ago.
func (d *Dashboard) forgetLocked(now time.Time) {
	stopped := 0
	for i := len(d.pools) - 1; i >= 0; i-- {
		at := d.pools[i].stoppedAt()
		if at.IsZero() {
			continue
		}
		stopped++
		if stopped > maxStopped || now.Sub(at) > keepStopped {
			d.pools = slices.Delete(slices.Clone(d.pools), i, i+1)
		}
	}
}

// newRoutes has the handlers by the last element of a request's path: the dashboard need
// not know where it is mounted.
func (d *Dashboard) newRoutes() map[string]http.Handler {
	files, _ := fs.Sub(assets, "assets") // it is there: the compiler has seen to it
	serve := http.FileServerFS(files)
	routes := map[string]http.Handler{
		"":           asset(serve, "/"),
		"events":     get(d.events),
		"history":    get(d.history),
		"workers":    get(d.workers),
		"tasks":      get(d.tasks),
		"quarantine": get(d.quarantine),
		"letters":    get(d.letters),

		"requeue-letters": d.lettersControl("submitted again", DurableQueue.Requeue),
		"delete-letters":  d.lettersControl("deleted", DurableQueue.Delete),
	}
	for _, name := range []string{"pause", "resume", "resize", "requeue", "delete"} {
		routes[name] = d.control(name)
	}
	entries, _ := fs.ReadDir(files, ".")
	for _, e := range entries {
		routes[e.Name()] = asset(serve, "/"+e.Name())
	}
	return routes
}

// ServeHTTP implements [http.Handler].
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	if d.invalid != nil {
		http.Error(w, d.invalid.Error(), http.StatusInternalServerError)
		return
	}
	select {
	case <-d.feed.closed:
		http.Error(w, errClosed.Error(), http.StatusServiceUnavailable)
		return
	default:
	}
	_, name := path.Split(r.URL.Path)
	if route, ok := d.routes[name]; ok {
		route.ServeHTTP(w, r)
		return
	}
	http.NotFound(w, r)
}

// secure keeps the page to itself: it runs and asks for nothing but what comes from its own
// origin, is shown in no other page, and its figures are not kept.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// asset serves an embedded file by its name there.
func asset(files http.Handler, name string) http.Handler {
	return get(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.URL.Path = name
		files.ServeHTTP(w, r)
	})
}

// get serves GET and HEAD alone.
func get(serve http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		serve(w, r)
	})
}
