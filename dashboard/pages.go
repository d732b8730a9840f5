package dashboard

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/messages"
)

// maxRows bounds a table: nobody reads more, and no request can ask for much.
const maxRows = 200

var errNoPool = errors.New("no such pool")

// find returns the pool that a request names, or answers that there is none.
func (d *Dashboard) find(w http.ResponseWriter, label string) *view {
	for _, p := range d.list() {
		if p.label == label {
			return p.view()
		}
	}
	refuse(w, http.StatusNotFound, fmt.Errorf("%w: %q", errNoPool, label))
	return nil
}

// history answers with the points of a pool, oldest first.
func (d *Dashboard) history(w http.ResponseWriter, r *http.Request) {
	v := d.find(w, r.FormValue("pool"))
	if v == nil {
		return
	}
	points := v.of.points()
	list := make([]pointJSON, len(points))
	for i := range points {
		list[i] = points[i].json()
	}
	respond(w, http.StatusOK, map[string]any{"points": list})
}

// workers answers with the workers of a pool whose ID or state has the text asked for:
// those that need a look first, or in the pool's order.
func (d *Dashboard) workers(w http.ResponseWriter, r *http.Request) {
	v := d.find(w, r.FormValue("pool"))
	if v == nil {
		return
	}
	has := finder(r.FormValue("find"))
	var found []*messages.WorkerStats
	for i := range v.stats.Workers {
		ws := &v.stats.Workers[i]
		if has(ws.ID, shortID(ws.ID), stateOf(ws)) {
			found = append(found, ws)
		}
	}
	if r.FormValue("order") != "pool" {
		slices.SortStableFunc(found, func(a, b *messages.WorkerStats) int {
			return cmp.Or(
				cmp.Compare(concern(b), concern(a)),
				a.Since.Compare(b.Since),
				cmp.Compare(b.Failed+b.Panicked+b.TimedOut, a.Failed+a.Panicked+a.TimedOut),
			)
		})
	}
	list := make([]workerJSON, 0, min(len(found), maxRows))
	for _, ws := range found[:min(len(found), maxRows)] {
		list = append(list, newWorkerJSON(ws, v.stats.At, longRun(&v.stats)))
	}
	respond(w, http.StatusOK, map[string]any{"total": len(v.stats.Workers), "found": len(found), "workers": list})
}

// finder returns a function that reports whether one of the values contains the text, in
// whatever case. The text may be as long as a request.
func finder(text string) func(values ...string) bool {
	text = strings.ToLower(text)
	return func(values ...string) bool {
		return slices.ContainsFunc(values, func(value string) bool { return strings.Contains(strings.ToLower(value), text) })
	}
}

// concern says how soon a worker wants looking at.
func concern(w *messages.WorkerStats) int {
	switch {
	case w.State == messages.WorkerSuspended || w.State == messages.WorkerSidelined || w.Settled:
		return 2
	case w.Task != "":
		return 1
	default:
		return 0
	}
}

// tasks has what the journal has, the newest first.
func (p *watched) tasks() []journal.Entry {
	entries, _, _ := p.journal.Since(0)
	slices.Reverse(entries)
	return entries
}

// tasks answers with the last tasks of a pool: those whose ID or key has the text asked
// for, and that came to the outcome asked for.
func (d *Dashboard) tasks(w http.ResponseWriter, r *http.Request) {
	v := d.find(w, r.FormValue("pool"))
	if v == nil {
		return
	}
	has, outcome := finder(r.FormValue("find")), r.FormValue("outcome")
	all := v.tasks()
	list, found := make([]taskJSON, 0, maxRows), 0
	for i := range all {
		e := &all[i]
		if !hasOutcome(e, outcome) || !has(e.TaskID(), e.Key) {
			continue
		}
		if found++; len(list) < maxRows {
			list = append(list, newTaskJSON(e))
		}
	}
	respond(w, http.StatusOK, map[string]any{"total": len(all), "found": found, "tasks": list})
}

// hasOutcome reports whether an entry is of what was asked for: an outcome by its name, or
// "wrong" for all but success; empty is everything.
func hasOutcome(e *journal.Entry, outcome string) bool {
	switch outcome {
	case "":
		return true
	case "wrong":
		return e.Outcome != messages.Succeeded
	default:
		return e.Outcome.String() == outcome
	}
}

// quarantine answers with the tasks in a pool's quarantine, the newest first.
func (d *Dashboard) quarantine(w http.ResponseWriter, r *http.Request) {
	v := d.find(w, r.FormValue("pool"))
	if v == nil {
		return
	}
	tasks := v.of.pool.Quarantine()
	list := make([]quarantinedJSON, 0, min(len(tasks), maxRows))
	for i := len(tasks) - 1; i >= 0 && len(list) < maxRows; i-- {
		list = append(list, d.newQuarantinedJSON(&tasks[i]))
	}
	respond(w, http.StatusOK, map[string]any{"total": len(tasks), "tasks": list})
}
