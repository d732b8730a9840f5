package dashboard

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A feed has the newest frame for any number of readers, each at a pace of its own. What
// is published is never written to again, so nobody waits for a slow reader.
type feed struct {
	latest atomic.Pointer[frame]
	read   atomic.Int64 // when a reader got a frame last, in nanoseconds since 1970
	closed chan struct{}
}

func newFeed() *feed { return &feed{closed: make(chan struct{})} }

// A frame is what a reader gets at a time: the state of all pools and durable queues.
type frame struct {
	number   int64
	at       time.Time
	controls bool
	pools    []*view
	queues   []*queueJSON

	next chan struct{} // closed when a newer frame is there
	once sync.Once
	text []byte // made when it is first read
}

// publish must be called by one goroutine at a time.
func (f *feed) publish(next *frame) {
	next.next = make(chan struct{})
	last := f.latest.Load()
	if last != nil {
		next.number = last.number + 1
	}
	f.latest.Store(next)
	if last != nil {
		close(last.next)
	}
}

func (f *feed) close() { close(f.closed) }

// attention is how long after a frame its reader is taken to look at it. One to whom nothing
// can be streamed comes again within that.
const attention = 5 * time.Second

// watched reports whether somebody looks.
func (f *feed) watched(now time.Time) bool { return now.UnixNano()-f.read.Load() < int64(attention) }

// event is the frame as a server-sent event.
func (f *frame) event() []byte {
	f.once.Do(func() {
		var b bytes.Buffer
		b.WriteString("id: " + strconv.FormatInt(f.number, 10) + "\ndata: ")
		pools := make([]poolJSON, len(f.pools))
		for i, v := range f.pools {
			pools[i] = v.json()
		}
		// The encoder ends with a newline; another one ends the event. Its values are all
		// of kinds that can be encoded.
		_ = json.NewEncoder(&b).Encode(frameJSON{At: f.at.UnixMilli(), Controls: f.controls, Pools: pools, Queues: f.queues})
		b.WriteByte('\n')
		f.text = b.Bytes()
	})
	return f.text
}

type frameJSON struct {
	At       int64        `json:"at"` // milliseconds since 1970
	Controls bool         `json:"controls"`
	Pools    []poolJSON   `json:"pools"`
	Queues   []*queueJSON `json:"queues,omitempty"` // the durable ones
}

// patience is how long a write to a reader may take.
const patience = 30 * time.Second

// events streams frames for as long as the reader stays. Where the server cannot stream,
// the reader gets one frame and asks again.
func (d *Dashboard) events(w http.ResponseWriter, r *http.Request) {
	stream := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy's, that is
	if _, err := w.Write([]byte("retry: 1000\n\n")); err != nil {
		return
	}
	d.inspect(time.Now()) // whoever has just come need not wait for a sample to be due
	for {
		d.feed.read.Store(time.Now().UnixNano())
		f := d.feed.latest.Load()
		_ = stream.SetWriteDeadline(time.Now().Add(patience)) // where it is not supported, the server's own holds
		if _, err := w.Write(f.event()); err != nil {
			return
		}
		if stream.Flush() != nil {
			return
		}
		select {
		case <-f.next:
		case <-r.Context().Done():
			return
		case <-d.feed.closed:
			return
		}
	}
}
