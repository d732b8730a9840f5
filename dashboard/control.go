package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/troupe-go/troupe/messages"
)

// An order is what a request says to have something done to a pool.
type order struct {
	Pool    string  `json:"pool"`
	Size    int     `json:"size"`    // of a resize
	Numbers []int64 `json:"numbers"` // of quarantined tasks
}

// orderLimit is how many bytes an order may have, and orderTime how long it may take to be
// carried out.
const (
	orderLimit = 1 << 20
	orderTime  = 10 * time.Second
)

var (
	errReadOnly    = errors.New("this dashboard is read-only")
	errNotAnOrder  = errors.New("want a POST of application/json")
	errPoolStopped = fmt.Errorf("%w: it can only be looked at", messages.ErrPoolStopped)
)

// obeying returns a handler of requests that change something; obey gets what they say. A
// page of another site can have a browser send none of them: browsers say where a request
// comes from, and ask before they send JSON elsewhere.
func obeying[O any](d *Dashboard, obey func(w http.ResponseWriter, r *http.Request, o *O)) http.Handler {
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		var o O
		switch {
		case !d.controls:
			refuse(w, http.StatusForbidden, errReadOnly)
			return
		case r.Method != http.MethodPost:
			w.Header().Set("Allow", http.MethodPost)
			refuse(w, http.StatusMethodNotAllowed, errNotAnOrder)
			return
		case kind != "application/json":
			refuse(w, http.StatusUnsupportedMediaType, errNotAnOrder)
			return
		}
		body := json.NewDecoder(http.MaxBytesReader(w, r.Body, orderLimit))
		body.DisallowUnknownFields()
		if err := body.Decode(&o); err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		if _, err := body.Token(); !errors.Is(err, io.EOF) {
			refuse(w, http.StatusBadRequest, errNotAnOrder)
			return
		}
		obey(w, r, &o)
	})
	return http.NewCrossOriginProtection().Handler(serve)
}

// control returns the handler of requests to do something to a pool.
func (d *Dashboard) control(what string) http.Handler {
	return obeying(d, func(w http.ResponseWriter, r *http.Request, o *order) {
		v := d.find(w, o.Pool)
		if v == nil {
			return
		}
		if v.stopped {
			refuse(w, http.StatusConflict, errPoolStopped)
			return
		}
		n, err := o.obey(r.Context(), what, v)
		if err != nil {
			refuse(w, http.StatusConflict, err)
			return
		}
		respond(w, http.StatusOK, map[string]int{"count": n})
	})
}

// obey does what the order says. n is the number of tasks that it was done to.
func (o *order) obey(ctx context.Context, what string, v *view) (n int, err error) {
	pool := v.of.pool
	switch what {
	case "pause":
		pool.Pause()
	case "resume":
		pool.Resume()
	case "resize":
		ctx, end := context.WithTimeout(ctx, orderTime)
		defer end()
		return 0, pool.Resize(ctx, o.Size)
	case "requeue":
		if n, err = pool.Requeue(o.Numbers...); err != nil && n > 0 {
			err = fmt.Errorf("after %d had been submitted again: %w", n, err)
		}
		return n, err
	case "delete":
		return pool.DeleteQuarantined(o.Numbers...), nil
	}
	return 0, nil
}
