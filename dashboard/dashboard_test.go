package dashboard_test

import (
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/dashboard"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
)

func TestWhatMakesNoSenseIsSaidInAnswerToEveryRequest(t *testing.T) {
	for name, d := range map[string]*dashboard.Dashboard{
		"no system":    dashboard.New(nil),
		"no option":    dashboard.New(pooltest.System(), nil),
		"no formatter": dashboard.New(pooltest.System(), dashboard.WithPayload(nil)),
	} {
		t.Run(name, func(t *testing.T) {
			assertRefused(t, get(d, "/"), http.StatusInternalServerError, messages.ErrInvalidOption.Error())
			d.Close()
		})
	}
}

func TestItShowsThePoolsThatAreThereAndThoseToCome(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		pooltest.Open(t, system.Root, nothing, actors.WithName("first"), actors.WithSize(3), actors.WithQueue(7, actors.Reject))
		d := show(t, system)
		f := now(t, d)
		require.Len(t, f.Pools, 1)
		assert.Equal(t, "first", f.Pools[0].Label)
		assert.Equal(t, 3, f.Pools[0].Size)
		assert.Equal(t, 7, f.Pools[0].Capacity)
		assert.False(t, f.Controls)

		pooltest.Open(t, system.Root, nothing, actors.WithName("second"), actors.WithQueue(actors.Unbounded, actors.Block))
		time.Sleep(time.Second)
		synctest.Wait()
		f = now(t, d)
		require.Len(t, f.Pools, 2)
		assert.Equal(t, "second", f.Pools[1].Label)
		assert.Equal(t, -1, f.Pools[1].Capacity)
	})
}

func TestAPoolThatHasStoppedIsShownForAWhileWithItsLastFigures(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		d := show(t, system)
		p := pooltest.Open(t, system.Root, nothing, actors.WithName("short-lived"))
		_, err := p.Ask(t.Context(), 1)
		require.NoError(t, err)
		p.Close()
		<-p.Done()
		time.Sleep(time.Second)
		synctest.Wait()
		f := now(t, d)
		require.Len(t, f.Pools, 1)
		assert.Equal(t, "stopped", f.Pools[0].State)
		assert.Equal(t, int64(1), f.Pools[0].Ledger["succeeded"])
		assert.Equal(t, 1, answer[tasks](t, d, "/tasks?pool=short-lived").Found)

		time.Sleep(11 * time.Minute)
		synctest.Wait()
		assert.Empty(t, now(t, d).Pools)
	})
}

func TestAPoolTakesThePlaceOfAStoppedOneOfItsName(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		d := show(t, system)
		for size := 1; size <= 2; size++ {
			p := pooltest.Open(t, system.Root, nothing, actors.WithName("p"), actors.WithSize(size))
			assert.Equal(t, size, answer[workers](t, d, "/workers?pool=p").Total, "it is there at once")
			if size == 1 {
				p.Close()
				<-p.Done()
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		f := now(t, d)
		require.Len(t, f.Pools, 1)
		assert.Equal(t, "running", f.Pools[0].State)
	})
}

func TestPoolsWhoseNamesDifferInInvalidBytesAreDistinguished(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		d := show(t, system)
		for size, name := range []string{"p\xfe", "p\xff"} {
			pooltest.Open(t, system.Root, nothing, actors.WithName(name), actors.WithSize(size+1))
		}
		assert.Equal(t, 1, answer[workers](t, d, "/workers?pool=p%EF%BF%BD").Total)
		assert.Equal(t, 2, answer[workers](t, d, "/workers?pool=p%EF%BF%BD%232").Total)
	})
}

func TestOnlyTheLastStoppedPoolsAreKept(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		d := show(t, system)
		for range 100 {
			p := pooltest.Open(t, system.Root, nothing)
			p.Close()
			<-p.Done()
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Len(t, now(t, d).Pools, 16)
	})
}

func TestAReaderGetsAFrameASecondAndASlowOneTheNewest(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		pooltest.Open(t, system.Root, nothing)
		d := show(t, system)
		start := time.Now()
		s := follow(t, d)
		defer s.end()
		for second := range 3 {
			f, _ := s.next(t)
			assert.Equal(t, start.Add(time.Duration(second)*time.Second).UnixMilli(), f.At)
		}
		time.Sleep(time.Minute + time.Second/2) // one more frame has been begun to be written before
		_, _ = s.next(t)
		f, _ := s.next(t)
		assert.Equal(t, start.Add(62*time.Second).UnixMilli(), f.At)
	})
}

func TestCloseEndsTheStreamsAndLeavesNothingBehind(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		pooltest.Open(t, system.Root, nothing)
		d := dashboard.New(system)
		s := follow(t, d)
		_, ok := s.next(t)
		require.True(t, ok)
		d.Close()
		d.Close()
		_, ok = s.next(t)
		assert.False(t, ok)
		s.end()
		assertRefused(t, get(d, "/"), http.StatusServiceUnavailable, "closed")
	})
}

func TestADashboardEndsWithItsActorSystem(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		d := dashboard.New(system)
		system.Shutdown()
		time.Sleep(time.Second)
		synctest.Wait()
		assertRefused(t, get(d, "/"), http.StatusServiceUnavailable, "closed")
	})
}

func TestAHundredReadersAtOnceAndNoneLeavesAGoroutine(t *testing.T) {
	timelimit.Set(t)
	system := pooltest.System()
	pooltest.Open(t, system.Root, nothing)
	server := httptest.NewServer(show(t, system))
	defer server.Close()
	var readers sync.WaitGroup
	for range 100 {
		readers.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/events", nil)
			if !assert.NoError(t, err) {
				return
			}
			client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			response, err := client.Do(r)
			if !assert.NoError(t, err) {
				return
			}
			defer func() { _ = response.Body.Close() }()
			buf, text := make([]byte, 4096), ""
			for strings.Count(text, "data: ") < 2 {
				n, err := response.Body.Read(buf)
				if !assert.NoError(t, err) {
					return
				}
				text += string(buf[:n])
			}
		})
	}
	readers.Wait() // what is left of them, goleak would find
}

func TestItNeedNotKnowWhereItIsMounted(t *testing.T) {
	d := show(t, pooltest.System())
	mux := http.NewServeMux()
	mux.Handle("/", d)
	mux.Handle("/ops/troupe/", d)
	mux.Handle("/stripped/", http.StripPrefix("/stripped", d))
	for _, prefix := range []string{"/", "/ops/troupe/", "/stripped/"} {
		assert.Contains(t, get(mux, prefix).Body.String(), "<title>Troupe</title>", prefix)
		assert.Contains(t, get(mux, prefix+"app.js").Body.String(), "import", prefix)
	}
	assert.Equal(t, http.StatusNotFound, get(mux, "/nothing").Code)
	assert.Equal(t, http.StatusNotFound, get(mux, "/history?pool=none").Code)
}

func TestThePageIsKeptToItself(t *testing.T) {
	d := show(t, pooltest.System())
	for _, path := range []string{"/", "/app.js", "/workers?pool=none", "/nothing", "/pause"} {
		h := get(d, path).Header()
		assert.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'", path)
		assert.NotContains(t, h.Get("Content-Security-Policy"), "unsafe", path)
		assert.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		assert.Equal(t, "no-store", h.Get("Cache-Control"), path)
		assert.Equal(t, "same-origin", h.Get("Cross-Origin-Resource-Policy"), path)
	}
	outside := regexp.MustCompile(`https?://[^\s"'` + "`" + `]+`)
	require.NoError(t, fs.WalkDir(os.DirFS("assets"), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile("assets/" + path)
		require.NoError(t, err)
		for _, url := range outside.FindAllString(string(text), -1) {
			known := url == "http://www.w3.org/2000/svg" || strings.HasPrefix(url, "https://github.com/leeoniya/uPlot")
			assert.True(t, known, "%s: %s", path, url)
		}
		return nil
	}))
}

func TestSpawnFailuresLeaveNoPoolBehind(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		d := show(t, system)
		pooltest.Open(t, system.Root, nothing, actors.WithName("taken"))
		_, err := actors.NewPool(system.Root, nothing, actors.WithName("taken"))
		require.ErrorIs(t, err, actor.ErrNameExists)
		time.Sleep(time.Second)
		synctest.Wait()
		for _, p := range now(t, d).Pools {
			if p.State != "stopped" {
				assert.Equal(t, "taken", p.Label)
			}
		}
	})
}
