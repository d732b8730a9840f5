package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime/multipart"
	"net/http"
	"slices"

	"github.com/troupe-go/troupe/actors"
)

const (
	maxSizes    = 20 // in one request
	maxInFlight = 4  // tasks of one request, so that it does not fill the queue
)

// A line is the answer for one picture of several.
type line struct {
	Name   string `json:"name,omitempty"`
	Width  int    `json:"width"`
	Type   string `json:"type,omitempty"`
	Data   []byte `json:"data,omitempty"`
	Status int    `json:"status,omitempty"` // with an error, what it would be alone
	Error  string `json:"error,omitempty"`
}

// lineOf returns the line for a job.
func lineOf(j job, small picture, err error) line {
	l := line{Name: j.name, Width: j.width, Type: small.contentType, Data: small.data}
	if err != nil {
		l.Status, l.Error = describe(err)
	}
	return l
}

// serveSizes answers with the picture in the request's body in all widths of the query, the
// smallest first. The first error is the answer instead, and cancels the other tasks, as does
// a client that goes away.
func (s *service) serveSizes(w http.ResponseWriter, r *http.Request) {
	lines, err := s.scaleToAll(r, http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(lines) // fails only if the client has gone away
}

func (s *service) scaleToAll(r *http.Request, body io.Reader) ([]line, error) {
	widths := r.URL.Query()["width"]
	if len(widths) < 1 || len(widths) > maxSizes {
		return nil, fmt.Errorf("%w: %d widths, want 1 to %d", errInput, len(widths), maxSizes)
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errInput, err)
	}
	group := s.pool.Group(r.Context(), actors.FailFast(), actors.MaxInFlight(maxInFlight))
	for _, width := range widths {
		j, err := newJob(data, width)
		if err == nil {
			err = group.Submit(j)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var lines []line
	for answer := range group.Answers() {
		lines = append(lines, lineOf(answer.In, answer.Out, answer.Err))
	}
	slices.SortFunc(lines, func(a, b line) int { return a.Width - b.Width })
	return lines, nil
}

// serveAlbum scales the pictures of a form. It answers with a line of JSON for each, as soon as
// it is there. A client that goes away cancels the rest.
func (s *service) serveAlbum(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseMultipartForm(maxBody); err != nil { // stays in memory
		fail(w, fmt.Errorf("%w: %w", errInput, err))
		return
	}
	w.Header().Set("Content-Type", "application/jsonl")
	out := json.NewEncoder(w)
	send := func(l line) bool {
		return errors.Join(out.Encode(l), http.NewResponseController(w).Flush()) == nil
	}
	for answer := range s.pool.Each(r.Context(), jobs(r, send)) {
		if !send(lineOf(answer.In, answer.Out, answer.Err)) {
			return // the client has gone away; this cancels the rest
		}
	}
}

// jobs yields the pictures of a form. It sends a line itself for what cannot be a task. Each
// calls it on the goroutine of its loop, so the lines do not mix.
func jobs(r *http.Request, send func(line) bool) iter.Seq[job] {
	return func(yield func(job) bool) {
		for _, files := range r.MultipartForm.File {
			for _, file := range files {
				j, err := open(file, r.URL.Query().Get("width"))
				j.name = file.Filename
				var more bool
				if err != nil {
					more = send(lineOf(j, picture{}, err))
				} else {
					more = yield(j)
				}
				if !more {
					return
				}
			}
		}
	}
}

func open(file *multipart.FileHeader, width string) (job, error) {
	in, err := file.Open()
	if err != nil {
		return job{}, err
	}
	defer func() { _ = in.Close() }() // nothing was written
	data, err := io.ReadAll(in)
	if err != nil {
		return job{}, err
	}
	return newJob(data, width)
}
