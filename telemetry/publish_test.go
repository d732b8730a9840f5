package telemetry_test

import (
	"encoding/json"
	"expvar"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/telemetry"
)

// unused is a name that no test has published, for what is published stays.
func unused(t *testing.T) string { return t.Name() + strconv.FormatUint(rand.Uint64(), 36) }

func TestExpvarHasTheStatsOfEachPool(t *testing.T) {
	timelimit.Set(t)
	system, name := pooltest.System(), unused(t)
	require.NoError(t, telemetry.Publish(system, name))
	pool := pooltest.Open(t, system.Root, act, actors.WithName("kitchen"), actors.WithSize(2))
	eachOutcome(t, pool)
	pooltest.Open(t, system.Root, act, actors.WithName("odd\xffname"))

	w := httptest.NewRecorder()
	expvar.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/debug/vars", http.NoBody))
	var vars map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &vars))
	var pools map[string]struct {
		Submitted, Succeeded int64
		Rejections           map[string]int64
		Workers              []struct{ ID string }
	}
	require.NoError(t, json.Unmarshal(vars[name], &pools))
	require.Contains(t, pools, "kitchen")
	assert.Contains(t, pools, "odd\ufffdname")
	stats := pool.Stats()
	assert.Equal(t, stats.Submitted, pools["kitchen"].Submitted)
	assert.Equal(t, stats.Succeeded, pools["kitchen"].Succeeded)
	assert.Equal(t, map[string]int64{"canceled": 1}, pools["kitchen"].Rejections)
	assert.Len(t, pools["kitchen"].Workers, 2)
}

func TestExpvarNameThatIsTakenIsAnError(t *testing.T) {
	name := unused(t)
	require.NoError(t, telemetry.Publish(pooltest.System(), name))
	assert.ErrorIs(t, telemetry.Publish(pooltest.System(), name), messages.ErrInvalidOption)
	assert.ErrorIs(t, telemetry.Publish(pooltest.System(), ""), messages.ErrInvalidOption)
	assert.ErrorIs(t, telemetry.Publish(nil, "name"), messages.ErrInvalidOption)
}

func TestOneOfThoseWhoPublishAtOnceGetsTheName(t *testing.T) {
	timelimit.Set(t)
	log.SetOutput(io.Discard) // package expvar says there whom it refuses
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	system := pooltest.System()
	for range 1000 {
		name := unused(t)
		var ready, published atomic.Int64
		var publishers sync.WaitGroup
		for range 2 {
			publishers.Go(func() {
				for ready.Add(1); ready.Load() < 2; { // to the nanosecond, or they would not meet
					runtime.Gosched()
				}
				if err := telemetry.Publish(system, name); err == nil {
					published.Add(1)
				} else {
					assert.ErrorIs(t, err, messages.ErrInvalidOption)
				}
			})
		}
		publishers.Wait()
		assert.EqualValues(t, 1, published.Load())
	}
}
