package dashboard

import (
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// poolJSON is a pool in a frame. Times are in seconds.
type poolJSON struct {
	Label      string                    `json:"label"`
	State      string                    `json:"state"` // running, paused or stopped
	Level      level                     `json:"level"`
	Alerts     []alert                   `json:"alerts"`
	Quarantine bool                      `json:"quarantine"` // it has one
	Size       int                       `json:"size"`
	Busy       int                       `json:"busy"`
	Ledger     ledgerJSON                `json:"ledger"`
	Rejected   int64                     `json:"rejected"`
	Rejections map[messages.Reason]int64 `json:"rejections"`
	Retries    int64                     `json:"retries"`
	Delayed    int64                     `json:"delayed"`
	Restarts   int64                     `json:"restarts"`
	Replaced   int64                     `json:"replaced"`
	Recycled   int64                     `json:"recycled"`
	Given      int                       `json:"inQuarantine"`
	Capacity   int                       `json:"capacity"` // -1: unbounded
	Longest    float64                   `json:"longest"`
	Throughput float64                   `json:"throughput"` // of the last 10 s
	Custom     map[string]int64          `json:"custom"`
	Recent     recentJSON                `json:"recent"`
	Point      pointJSON                 `json:"point"`
}

// ledgerJSON is the ledger: Submitted is the sum of the others.
type ledgerJSON struct {
	Submitted   int64 `json:"submitted"`
	Queued      int64 `json:"queued"`
	Running     int64 `json:"running"`
	Succeeded   int64 `json:"succeeded"`
	Failed      int64 `json:"failed"`
	Panicked    int64 `json:"panicked"`
	TimedOut    int64 `json:"timedOut"`
	Canceled    int64 `json:"canceled"`
	Dropped     int64 `json:"dropped"`
	Quarantined int64 `json:"quarantined"`
}

// recentJSON is what came in the last ten seconds.
type recentJSON struct {
	Settled  int64 `json:"settled"`
	Troubled int64 `json:"troubled"`
}

// pointJSON is a point as the charts take it, in the order of their columns: the time in
// seconds since 1970, and then what is named in charts.js. There is null for NaN.
type pointJSON [14]*float64

func (p *point) json() pointJSON {
	var list pointJSON
	for i, x := range []float64{
		float64(p.at.UnixMilli()) / 1000, p.throughput, p.troubled, p.queued, p.oldest, p.busy, p.size, p.utilization,
		p.wait50, p.wait95, p.wait99, p.run50, p.run95, p.run99,
	} {
		if !math.IsNaN(x) {
			list[i] = &x
		}
	}
	return list
}

func (v *view) json() poolJSON {
	s := &v.stats
	p := poolJSON{
		Label: v.of.label, State: "running",
		Level: worst(v.alerts), Alerts: v.alerts, Quarantine: v.of.pool.Quarantines(),
		Size: s.Size, Busy: s.Busy,
		Ledger: ledgerJSON{
			s.Submitted, s.Queued, s.Running,
			s.Succeeded, s.Failed, s.Panicked, s.TimedOut, s.Canceled, s.Dropped, s.Quarantined,
		},
		Rejected: s.Rejected, Rejections: s.Rejections, Retries: s.Retries, Delayed: s.Delayed,
		Restarts: s.Restarts, Replaced: s.Replaced, Recycled: s.Recycled, Given: s.InQuarantine, Capacity: s.QueueCapacity,
		Longest: s.LongestRunning.Seconds(), Throughput: s.Throughput, Custom: s.Custom,
		Recent: recentJSON{v.recent.settled, v.recent.troubled},
		Point:  v.point.json(),
	}
	if !bounded(s.QueueCapacity) {
		p.Capacity = -1
	}
	switch {
	case v.stopped:
		p.State = "stopped"
	case s.Paused:
		p.State = "paused"
	}
	return p
}

func bounded(capacity int) bool { return capacity != actors.Unbounded }

// shortID is the last part of a PID's ID, which tells a worker from the others of its pool.
func shortID(id string) string { return "worker " + id[strings.LastIndexByte(id, '/')+1:] }

// stateOf is the state of a worker, and whether the task in hand has its outcome already.
func stateOf(w *messages.WorkerStats) string {
	if w.Settled {
		return w.State.String() + ", overdue"
	}
	return w.State.String()
}

// workerJSON is a worker.
type workerJSON struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	State       string           `json:"state"`
	Task        string           `json:"task"`
	Elapsed     float64          `json:"elapsed"` // of the task in hand
	Long        bool             `json:"long"`    // that is too long
	Succeeded   int64            `json:"succeeded"`
	Failed      int64            `json:"failed"`
	Panicked    int64            `json:"panicked"`
	TimedOut    int64            `json:"timedOut"`
	Canceled    int64            `json:"canceled"`
	Dropped     int64            `json:"dropped"`
	Quarantined int64            `json:"quarantined"`
	Restarts    int64            `json:"restarts"`
	Queued      int              `json:"queued"`
	MeanRun     float64          `json:"meanRun"`
	Custom      map[string]int64 `json:"custom"`
}

func newWorkerJSON(w *messages.WorkerStats, now time.Time, limit time.Duration) workerJSON {
	j := workerJSON{
		ID: w.ID, Name: shortID(w.ID), State: stateOf(w), Task: w.Task,
		Succeeded: w.Succeeded, Failed: w.Failed, Panicked: w.Panicked,
		TimedOut: w.TimedOut, Canceled: w.Canceled, Dropped: w.Dropped, Quarantined: w.Quarantined,
		Restarts: w.Restarts, Queued: w.Queued, MeanRun: w.MeanRun.Seconds(), Custom: w.Custom,
	}
	if w.Task != "" {
		elapsed := max(now.Sub(w.Since), 0)
		j.Elapsed, j.Long = elapsed.Seconds(), elapsed > limit
	}
	return j
}

// respond writes a value that can be encoded. What cannot be written to a reader who has
// gone is nobody's loss.
func respond(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

// refuse answers with an error.
func refuse(w http.ResponseWriter, status int, err error) {
	respond(w, status, map[string]string{"error": err.Error()})
}
