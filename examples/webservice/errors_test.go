package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/troupetest"
)

func TestErrorsAreMappedToStatusCodes(t *testing.T) {
	troupetest.TimeLimit(t)
	for name, test := range map[string]struct {
		err  error
		want int
	}{
		"bad input":          {fmt.Errorf("%w: no picture", errInput), http.StatusBadRequest},
		"slow upload":        {fmt.Errorf("%w: %w", errInput, os.ErrDeadlineExceeded), http.StatusRequestTimeout},
		"large upload":       {fmt.Errorf("%w: %w", errInput, &http.MaxBytesError{}), http.StatusRequestEntityTooLarge},
		"queue full":         {messages.ErrQueueFull, http.StatusServiceUnavailable},
		"pool stopped":       {messages.ErrPoolStopped, http.StatusServiceUnavailable},
		"no workers":         {messages.ErrNoWorkers, http.StatusServiceUnavailable},
		"canceled by a stop": {fmt.Errorf("%w: %w", messages.ErrCanceled, messages.ErrPoolStopped), http.StatusServiceUnavailable},
		"timeout":            {messages.ErrTaskTimeout, http.StatusGatewayTimeout},
		"client gone":        {fmt.Errorf("%w: %w", messages.ErrCanceled, context.Canceled), statusClientGone},
		"panic":              {&messages.PanicError{Value: messages.ErrQueueFull}, http.StatusInternalServerError},
		"another error":      {errors.New("disk full"), http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, status(test.err)) })
	}
}

func TestAClientThatHasGoneGetsNoBody(t *testing.T) {
	troupetest.TimeLimit(t)
	w := httptest.NewRecorder()
	fail(w, context.Canceled)
	assert.Equal(t, statusClientGone, w.Code)
	assert.Empty(t, w.Body.String())
}
