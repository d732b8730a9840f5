package main

import (
	"context"
	"errors"
	"net/http"
	"os"

	"github.com/troupe-go/troupe/messages"
)

// errInput marks the errors of clients. Their text is part of the response.
var errInput = errors.New("bad request")

// statusClientGone is the status of a request whose client has gone away. It is not one of
// the standard's, and nobody receives it.
const statusClientGone = 499

// status returns the status code for an error.
func status(err error) int {
	// A panic comes first: a *messages.PanicError unwraps to the error that was given to panic.
	if _, ok := errors.AsType[*messages.PanicError](err); ok {
		return http.StatusInternalServerError
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded): // the server's ReadTimeout
		return http.StatusRequestTimeout
	case errors.Is(err, errInput):
		return http.StatusBadRequest
	case errors.Is(err, messages.ErrQueueFull), errors.Is(err, messages.ErrPoolStopped), errors.Is(err, messages.ErrNoWorkers):
		return http.StatusServiceUnavailable
	case errors.Is(err, messages.ErrTaskTimeout):
		return http.StatusGatewayTimeout
	case errors.Is(err, context.Canceled):
		return statusClientGone
	}
	return http.StatusInternalServerError
}

// describe returns the status code for an error, and the text for the client. It tells the client
// only of its own errors; package telemetry logs those of tasks.
func describe(err error) (code int, text string) {
	code = status(err)
	if code == http.StatusBadRequest {
		return code, err.Error()
	}
	return code, http.StatusText(code)
}

// fail answers a request that failed.
func fail(w http.ResponseWriter, err error) {
	code, text := describe(err)
	switch code {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1") // seconds
	case statusClientGone:
		w.WriteHeader(code)
		return
	}
	http.Error(w, text, code)
}
