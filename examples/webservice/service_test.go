package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/troupetest"
)

func TestABodyThatIsTooLargeIs413(t *testing.T) {
	troupetest.TimeLimit(t)
	s := start(t, thumbnail)
	w := request(s, http.MethodPost, "/thumbnail?width=10", make([]byte, maxBody+1))
	assert.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
	assert.Zero(t, s.pool.Stats().Submitted)
}

func TestAFullQueueIs503WithRetryAfter(t *testing.T) {
	troupetest.TimeLimit(t)
	body := encoded(t, "png", 20, 20)
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := start(t, func(context.Context, job) (picture, error) {
			<-release
			return picture{}, nil
		}, actors.WithSize(1), actors.WithQueue(1, actors.Reject))

		accepted := make(chan int, 2)
		for range cap(accepted) {
			go func() { accepted <- request(s, http.MethodPost, "/thumbnail?width=10", body).Code }()
		}
		synctest.Wait() // one task runs, one is queued
		w := request(s, http.MethodPost, "/thumbnail?width=10", body)
		assert.Equal(t, http.StatusServiceUnavailable, w.Code)
		assert.Equal(t, "1", w.Header().Get("Retry-After"))

		close(release)
		assert.Equal(t, http.StatusOK, <-accepted)
		assert.Equal(t, http.StatusOK, <-accepted)
	})
}

func TestATaskThatTakesTooLongIs504(t *testing.T) {
	troupetest.TimeLimit(t)
	body := encoded(t, "png", 20, 20)
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(ctx context.Context, _ job) (picture, error) {
			<-ctx.Done()
			return picture{}, context.Cause(ctx)
		})
		begun := time.Now()
		w := request(s, http.MethodPost, "/thumbnail?width=10", body)
		assert.Equal(t, http.StatusGatewayTimeout, w.Code)
		assert.Equal(t, 10*time.Second, time.Since(begun))
	})
}

func TestAPanicIs500AndTheServiceGoesOn(t *testing.T) {
	troupetest.TimeLimit(t)
	s := start(t, func(ctx context.Context, j job) (picture, error) {
		if j.width == 13 {
			panic("a secret")
		}
		return thumbnail(ctx, j)
	}, actors.WithSize(1))
	body := encoded(t, "png", 20, 20)
	w := request(s, http.MethodPost, "/thumbnail?width=13", body)
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	assert.Equal(t, "Internal Server Error\n", w.Body.String())

	w = request(s, http.MethodPost, "/thumbnail?width=12", body)
	assert.Equal(t, http.StatusOK, w.Code)
}

func TestAClientThatGoesAwayCancelsItsTask(t *testing.T) {
	troupetest.TimeLimit(t)
	started, ended := make(chan struct{}), make(chan error, 1)
	s := start(t, func(ctx context.Context, _ job) (picture, error) {
		close(started) // by one task: the other stays queued
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return picture{}, context.Cause(ctx)
	}, actors.WithSize(1))
	server := httptest.NewServer(s.routes())
	defer server.Close()
	body := encoded(t, "png", 20, 20)

	running, leaveRunning := context.WithCancel(t.Context())
	defer leaveRunning()
	queued, leaveQueued := context.WithCancel(t.Context())
	defer leaveQueued()
	left := make(chan error, 2)
	send := func(ctx context.Context) {
		_, _, err := post(ctx, server.URL, body)
		left <- err
	}
	go send(running)
	<-started
	go send(queued)
	require.Eventually(t, func() bool { return s.pool.Stats().Queued == 1 }, time.Minute, time.Millisecond)

	leaveQueued()
	assert.ErrorIs(t, <-left, context.Canceled)
	require.Eventually(t, func() bool { return s.pool.Stats().Canceled == 1 }, time.Minute, time.Millisecond)
	assert.EqualValues(t, 1, s.pool.Stats().Running)
	leaveRunning()
	assert.ErrorIs(t, <-left, context.Canceled)
	assert.ErrorIs(t, <-ended, context.Canceled)
	require.Eventually(t, func() bool { return s.pool.Stats().Canceled == 2 }, time.Minute, time.Millisecond)
}

func TestMetricsCountTheTasks(t *testing.T) {
	troupetest.TimeLimit(t)
	s := start(t, thumbnail)
	require.Equal(t, http.StatusOK, request(s, http.MethodPost, "/thumbnail?width=10", encoded(t, "png", 20, 20)).Code)
	w := request(s, http.MethodGet, "/metrics", nil)
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Contains(t, w.Body.String(), `troupe_tasks_settled_total{outcome="succeeded",pool="thumbnails"} 1`)
	assert.Contains(t, w.Body.String(), "go_goroutines")
}

func TestHealthFollowsThePool(t *testing.T) {
	troupetest.TimeLimit(t)
	s := start(t, thumbnail)
	assert.Equal(t, http.StatusOK, request(s, http.MethodGet, "/healthz", nil).Code)
	s.pool.Close()
	<-s.pool.Done()
	assert.Equal(t, http.StatusServiceUnavailable, request(s, http.MethodGet, "/healthz", nil).Code)

	w := request(s, http.MethodPost, "/thumbnail?width=10", encoded(t, "png", 20, 20))
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
}

func TestTheDashboardShowsThePoolAndChangesNothing(t *testing.T) {
	troupetest.TimeLimit(t)
	s := start(t, thumbnail)
	w := request(s, http.MethodGet, "/troupe/workers?pool=thumbnails", nil)
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Contains(t, w.Body.String(), `"state":"idle"`)

	pause := httptest.NewRequest(http.MethodPost, "/troupe/pause?pool=thumbnails", http.NoBody)
	pause.Header.Set("Content-Type", "application/json")
	refused := httptest.NewRecorder()
	s.routes().ServeHTTP(refused, pause)
	assert.Equal(t, http.StatusForbidden, refused.Code)
	assert.False(t, s.pool.Stats().Paused)
}
