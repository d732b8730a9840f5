package jetstream_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/dashboard"
	"github.com/troupe-go/troupe/jetstream"
)

var _ dashboard.DurableQueue = (*jetstream.Queue[int])(nil)

func TestTheDashboardShowsAQueueAndItsNodes(t *testing.T) {
	t.Parallel()
	q := queue(t, open(t, t.TempDir(), jetstream.WithNode("kitchen")))
	attach(t, q, pool(t, func(_ context.Context, n int) (int, error) { return n, nil }))
	submit(t, q, numbers(10)...)
	eventually(t, q, empty)

	system := quietSystem()
	defer system.Shutdown()
	view := dashboard.New(system, dashboard.WithDurable(q))
	defer view.Close()
	server := httptest.NewServer(view)
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/events", nil)
	require.NoError(t, err)
	response, err := server.Client().Do(request)
	require.NoError(t, err)
	defer func() { assert.NoError(t, response.Body.Close()) }()
	for frames := bufio.NewScanner(response.Body); frames.Scan(); {
		data, found := strings.CutPrefix(frames.Text(), "data: ")
		if !found {
			continue
		}
		var frame struct {
			Queues []struct {
				Name    string
				Figures *struct {
					Ready int64
					Nodes []struct {
						Node  string
						Acked int64
					}
				}
			}
		}
		require.NoError(t, json.Unmarshal([]byte(data), &frame))
		require.Len(t, frame.Queues, 1)
		assert.Equal(t, "numbers", frame.Queues[0].Name)
		figures := frame.Queues[0].Figures
		if figures == nil || len(figures.Nodes) == 0 || figures.Nodes[0].Acked < 10 {
			continue // the node says how it is every now and then
		}
		assert.Equal(t, "kitchen", figures.Nodes[0].Node)
		return
	}
	require.Fail(t, "the stream has ended")
}
