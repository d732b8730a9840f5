package dashboard_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/dashboard"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

var orders = map[string]string{
	"pause": `{"pool":"p"}`, "resume": `{"pool":"p"}`, "resize": `{"pool":"p","size":9}`,
	"requeue": `{"pool":"p","numbers":[1]}`, "delete": `{"pool":"p","numbers":[1]}`,
}

func TestItChangesNothingUnlessItWasMadeTo(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		p := pooltest.Open(t, system.Root, nothing, actors.WithName("p"), actors.WithSize(2))
		d := show(t, system)
		for what, body := range orders {
			assertRefused(t, post(d, what, body), http.StatusForbidden, "read-only")
		}
		assert.Equal(t, 2, p.Stats().Size)
		assert.False(t, p.Stats().Paused)
	})
}

func TestItPausesResumesAndResizes(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		p := pooltest.Open(t, system.Root, nothing, actors.WithName("p"), actors.WithSize(2))
		d := show(t, system, dashboard.WithControls())
		assert.True(t, now(t, d).Controls)
		assert.Equal(t, http.StatusOK, post(d, "pause", `{"pool":"p"}`).Code)
		assert.True(t, p.Stats().Paused)
		assert.Equal(t, http.StatusOK, post(d, "resume", `{"pool":"p"}`, "Content-Type", "application/json; charset=utf-8").Code)
		assert.False(t, p.Stats().Paused)
		assert.Equal(t, http.StatusOK, post(d, "resize", `{"pool":"p","size":9}`, "Sec-Fetch-Site", "same-origin").Code)
		assert.Equal(t, 9, p.Stats().Size)
		assertRefused(t, post(d, "resize", `{"pool":"p","size":0}`), http.StatusConflict, messages.ErrInvalidOption.Error())
	})
}

func TestItRequeuesAndDeletesQuarantinedTasks(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		d := show(t, system, dashboard.WithControls())
		broken := true
		p := pooltest.Open(t, system.Root, func(_ context.Context, in int) (int, error) {
			if broken {
				panic(in)
			}
			return in, nil
		}, actors.WithName("p"), actors.WithQuarantine(actors.Quarantine{Crashes: 1}))
		for in := range 3 {
			_, err := p.Ask(t.Context(), in)
			require.ErrorIs(t, err, messages.ErrQuarantined)
		}
		broken = false
		said := answer[tasks](t, d, "/quarantine?pool=p")
		require.Equal(t, 3, said.Total)
		assert.Equal(t, int64(3), said.Tasks[0].Number, "the newest comes first")
		assert.Contains(t, said.Tasks[0].Stacks[0], "control_test.go")

		assertRefused(t, post(d, "requeue", `{"pool":"p","numbers":[1,3,4,2]}`), http.StatusConflict, "after 2 had been submitted again")
		require.NoError(t, p.Wait(t.Context()))
		assert.Equal(t, int64(2), p.Stats().Succeeded)
		assertRefused(t, post(d, "requeue", `{"pool":"p","numbers":[1]}`), http.StatusConflict, "not in quarantine")
		assert.JSONEq(t, `{"count":1}`, post(d, "requeue", `{"pool":"p","numbers":[2]}`).Body.String())
		assert.JSONEq(t, `{"count":0}`, post(d, "delete", `{"pool":"p","numbers":[1,2,3]}`).Body.String())
		assert.Empty(t, p.Quarantine())
	})
}

func TestOrdersFromOtherSitesAndMalformedOnesAreRefused(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		p := pooltest.Open(t, system.Root, nothing, actors.WithName("p"))
		stopped := pooltest.Open(t, system.Root, nothing, actors.WithName("stopped"))
		d := show(t, system, dashboard.WithControls())
		stopped.Close()
		<-stopped.Done()
		time.Sleep(time.Second)
		synctest.Wait()
		for name, test := range map[string]struct {
			body   string
			header []string
			status int
			text   string
		}{
			"another site":         {`{"pool":"p"}`, []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden, "cross-origin"},
			"a neighboring site":   {`{"pool":"p"}`, []string{"Sec-Fetch-Site", "same-site"}, http.StatusForbidden, "cross-origin"},
			"another origin":       {`{"pool":"p"}`, []string{"Origin", "http://evil.example"}, http.StatusForbidden, "cross-origin"},
			"a form":               {`pool=p`, []string{"Content-Type", "application/x-www-form-urlencoded"}, http.StatusUnsupportedMediaType, "json"},
			"plain text":           {`{"pool":"p"}`, []string{"Content-Type", "text/plain"}, http.StatusUnsupportedMediaType, "json"},
			"no JSON":              {`{`, nil, http.StatusBadRequest, "unexpected EOF"},
			"more than one order":  {`{"pool":"p"}{}`, nil, http.StatusBadRequest, "POST"},
			"an unknown field":     {`{"pool":"p","force":true}`, nil, http.StatusBadRequest, "force"},
			"too much":             {`{"pool":"` + strings.Repeat("p", 2<<20) + `"}`, nil, http.StatusBadRequest, "too large"},
			"no such pool":         {`{"pool":"q"}`, nil, http.StatusNotFound, "no such pool"},
			"one that has stopped": {`{"pool":"stopped"}`, nil, http.StatusConflict, "stopped"},
		} {
			t.Log(name)
			assertRefused(t, post(d, "pause", test.body, test.header...), test.status, test.text)
			assert.False(t, p.Stats().Paused, name)
		}
		assert.Equal(t, http.StatusMethodNotAllowed, get(d, "/pause").Code)
		assert.Equal(t, http.StatusMethodNotAllowed, post(d, "workers", "{}").Code)
	})
}
