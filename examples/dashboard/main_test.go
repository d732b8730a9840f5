package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/internal/leaks"
	"github.com/troupe-go/troupe/troupetest"
)

func TestMain(m *testing.M) { leaks.VerifyTestMain(m) }

func TestItServesADashboardOfThreeBusyPoolsUntilItIsInterrupted(t *testing.T) {
	troupetest.TimeLimit(t)
	ctx, interrupt := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-addr", "localhost:0"}, stdout, io.Discard) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	url := regexp.MustCompile(`http://\S+/troupe/`).FindString(line)
	require.NotEmpty(t, url, line)

	response, err := http.Get(url + "events")
	require.NoError(t, err)
	frames := bufio.NewScanner(response.Body)
	busy := false
	for !busy && frames.Scan() {
		data, found := strings.CutPrefix(frames.Text(), "data: ")
		if !found {
			continue
		}
		var frame struct {
			Pools []struct {
				Label  string
				Ledger struct{ Succeeded int64 }
			}
		}
		require.NoError(t, json.Unmarshal([]byte(data), &frame))
		busy = len(frame.Pools) == 3 && frame.Pools[0].Ledger.Succeeded > 0 && frame.Pools[1].Ledger.Succeeded > 0
	}
	assert.True(t, busy)
	interrupt()
	require.NoError(t, <-ended)
	_, err = io.Copy(io.Discard, response.Body)
	assert.Error(t, err, "the stream has been cut")
	require.NoError(t, response.Body.Close())
	http.DefaultClient.CloseIdleConnections()
}

func TestAnAddressThatCannotBeServedIsAnError(t *testing.T) {
	assert.ErrorContains(t, run(t.Context(), []string{"-addr", "localhost:99999"}, io.Discard, io.Discard), "99999")
}
