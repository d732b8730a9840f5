package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/troupetest"
)

func TestAPictureInManySizesComesInTheirOrder(t *testing.T) {
	troupetest.TimeLimit(t)
	s := start(t, thumbnail)
	w := request(s, http.MethodPost, "/sizes?width=30&width=10&width=20", encoded(t, "png", 60, 60))
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	var lines []line
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &lines))
	require.Len(t, lines, 3)
	for i, want := range []int{10, 20, 30} {
		assert.Equal(t, want, lines[i].Width)
		config, _, err := image.DecodeConfig(bytes.NewReader(lines[i].Data))
		require.NoError(t, err)
		assert.Equal(t, want, config.Width)
	}
}

func TestManySizesFailWithTheirFirstError(t *testing.T) {
	troupetest.TimeLimit(t)
	s := start(t, thumbnail)
	whole := encoded(t, "png", 60, 60)
	for name, test := range map[string]struct {
		target string
		body   []byte
		want   string
	}{
		"no width":       {"/sizes", whole, "0 widths, want 1 to 20"},
		"many widths":    {"/sizes?" + strings.Repeat("width=1&", maxSizes+1), whole, "21 widths"},
		"a bad width":    {"/sizes?width=10&width=ten", whole, `width is "ten"`},
		"half a picture": {"/sizes?width=10&width=20", whole[:len(whole)/2], "png: invalid format"},
	} {
		t.Run(name, func(t *testing.T) {
			w := request(s, http.MethodPost, test.target, test.body)
			assert.Equal(t, http.StatusBadRequest, w.Code)
			assert.Contains(t, w.Body.String(), test.want)
		})
	}
}

func TestAClientThatGoesAwayCancelsAllItsTasks(t *testing.T) {
	troupetest.TimeLimit(t)
	single := encoded(t, "png", 20, 20)
	form, contentType := album(t, single, single, single)
	for target, request := range map[string]*http.Request{
		"/sizes": httptest.NewRequest(http.MethodPost, "/sizes?width=1&width=2&width=3", bytes.NewReader(single)),
		"/album": httptest.NewRequest(http.MethodPost, "/album?width=1", bytes.NewReader(form)),
	} {
		t.Run(target, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, func(ctx context.Context, _ job) (picture, error) {
					<-ctx.Done()
					return picture{}, context.Cause(ctx)
				}, actors.WithSize(2))
				client, leave := context.WithCancel(t.Context())
				request.Header.Set("Content-Type", contentType)
				served := make(chan struct{})
				go func() {
					defer close(served)
					s.routes().ServeHTTP(httptest.NewRecorder(), request.WithContext(client))
				}()
				synctest.Wait()
				assert.EqualValues(t, 3, s.pool.Stats().Submitted)
				leave()
				<-served
				synctest.Wait()
				assert.EqualValues(t, 3, s.pool.Stats().Canceled)
			})
		})
	}
}

func TestAnAlbumIsStreamedInTheOrderOfCompletion(t *testing.T) {
	troupetest.TimeLimit(t)
	first, second := encoded(t, "png", 20, 20), encoded(t, "jpeg", 20, 20)
	release := make(chan struct{})
	s := start(t, func(ctx context.Context, j job) (picture, error) {
		if bytes.Equal(j.data, first) {
			<-release
		}
		return thumbnail(ctx, j)
	}, actors.WithSize(2))
	server := httptest.NewServer(s.routes())
	defer server.Close()
	form, contentType := album(t, first, second, []byte("no picture"))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/album?width=10", bytes.NewReader(form))
	require.NoError(t, err)
	r.Header.Set("Content-Type", contentType)
	response, err := server.Client().Do(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()

	got := make(map[string]line)
	lines := json.NewDecoder(response.Body)
	for range 2 { // come although the first picture is not ready
		var l line
		require.NoError(t, lines.Decode(&l))
		got[l.Name] = l
	}
	assert.Equal(t, "image/jpeg", got["1"].Type)
	assert.Equal(t, http.StatusBadRequest, got["2"].Status)
	assert.Contains(t, got["2"].Error, "unknown format")
	close(release)
	var last line
	require.NoError(t, lines.Decode(&last))
	assert.Equal(t, "0", last.Name)
	assert.Equal(t, "image/png", last.Type)
	require.ErrorIs(t, lines.Decode(&last), io.EOF)
}

func TestAnAlbumThatIsNoFormIs400(t *testing.T) {
	troupetest.TimeLimit(t)
	s := start(t, thumbnail)
	assert.Equal(t, http.StatusBadRequest, request(s, http.MethodPost, "/album?width=10", []byte("hello")).Code)
}

// album returns a form with pictures, whose file names are their numbers.
func album(t *testing.T, pictures ...[]byte) (form []byte, contentType string) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for i, data := range pictures {
		part, err := w.CreateFormFile("picture", string(rune('0'+i)))
		require.NoError(t, err)
		_, err = part.Write(data)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes(), w.FormDataContentType()
}
