package main

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/examples/internal/leaks"
)

// role is the environment variable that makes the test binary the program itself.
const role = "WEBSERVICE_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(role) == "main" {
		main()
		os.Exit(0)
	}
	leaks.VerifyTestMain(m)
}

// start starts a service without a server, until the test ends.
func start(t *testing.T, work actors.Handler[job, picture], opts ...actors.Option) *service {
	t.Helper()
	logger := newLogger(io.Discard, 0)
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return logger }))
	t.Cleanup(system.Shutdown)
	s, err := newService(system, logger, work, opts...)
	require.NoError(t, err)
	t.Cleanup(s.close)
	return s
}

// request has the service answer a request without a network.
func request(s *service, method, target string, body []byte) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.routes().ServeHTTP(w, httptest.NewRequest(method, target, bytes.NewReader(body)))
	return w
}

// post sends a picture to a server and returns the status code and the body of the response.
func post(ctx context.Context, url string, body []byte) (code int, answer string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/thumbnail?width=10", bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Close = true // leaves no connection behind
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	data, err := io.ReadAll(response.Body)
	return response.StatusCode, string(data), errors.Join(err, response.Body.Close())
}

// encoded returns a picture in a format, its left half red and its right half blue.
func encoded(t *testing.T, format string, width, height int) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := color.NRGBA{R: 255, A: 255}
			if x >= width/2 {
				c = color.NRGBA{B: 255, A: 255}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	var out bytes.Buffer
	if format == "png" {
		require.NoError(t, png.Encode(&out, img))
	} else {
		require.NoError(t, jpeg.Encode(&out, img, nil))
	}
	return out.Bytes()
}
