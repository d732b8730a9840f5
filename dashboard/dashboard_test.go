package dashboard_test

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"strconv"
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
	"github.com/troupe-go/troupe/messages"
)

func TestWhatMakesNoSenseIsSaidInAnswerToEveryRequest(t *testing.T) {
	for name, d := range map[string]*dashboard.Dashboard{
		"no system":    dashboard.New(nil),
		"no option":    dashboard.New(quiet(), nil),
		"no formatter": dashboard.New(quiet(), dashboard.WithPayload(nil)),
	} {
		t.Run(name, func(t *testing.T) {
			assertRefused(t, get(d, "/"), http.StatusInternalServerError, messages.ErrInvalidOption.Error())
			d.Close()
		})
	}
}

func TestItShowsThePoolsThatAreThereAndThoseToCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		open(t, system, nothing, actors.WithName("first"), actors.WithSize(3), actors.WithQueue(7, actors.Reject))
		d := show(t, system)
		f := now(t, d)
		require.Len(t, f.Pools, 1)
		assert.Equal(t, "first", f.Pools[0].Label)
		assert.Equal(t, 3, f.Pools[0].Size)
		assert.Equal(t, 7, f.Pools[0].Capacity)
		assert.False(t, f.Controls)

		open(t, system, nothing, actors.WithName("second"), actors.WithQueue(actors.Unbounded, actors.Block))
		time.Sleep(time.Second)
		synctest.Wait()
		f = now(t, d)
		require.Len(t, f.Pools, 2)
		assert.Equal(t, "second", f.Pools[1].Label)
		assert.Equal(t, -1, f.Pools[1].Capacity)
	})
}

func TestAPoolThatHasStoppedIsShownForAWhileWithItsLastFigures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		d := show(t, system)
		p := open(t, system, nothing, actors.WithName("short-lived"))
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
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		d := show(t, system)
		for size := 1; size <= 2; size++ {
			p := open(t, system, nothing, actors.WithName("p"), actors.WithSize(size))
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

func TestPoolsAreToldApartWhoseNamesDifferInBytesThatNoBrowserTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		d := show(t, system)
		for size, name := range []string{"p\xfe", "p\xff"} {
			open(t, system, nothing, actors.WithName(name), actors.WithSize(size+1))
		}
		assert.Equal(t, 1, answer[workers](t, d, "/workers?pool=p%EF%BF%BD").Total)
		assert.Equal(t, 2, answer[workers](t, d, "/workers?pool=p%EF%BF%BD%232").Total)
	})
}

func TestOnlyTheLastStoppedPoolsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		d := show(t, system)
		for range 100 {
			p := open(t, system, nothing)
			p.Close()
			<-p.Done()
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Len(t, now(t, d).Pools, 16)
	})
}

func TestAReaderGetsAFrameASecondAndASlowOneTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		open(t, system, nothing)
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
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		open(t, system, nothing)
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
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		d := dashboard.New(system)
		system.Shutdown()
		time.Sleep(time.Second)
		synctest.Wait()
		assertRefused(t, get(d, "/"), http.StatusServiceUnavailable, "closed")
	})
}

func TestAHundredReadersAtOnceAndNoneLeavesAGoroutine(t *testing.T) {
	system := quiet()
	open(t, system, nothing)
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
	d := show(t, quiet())
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
	d := show(t, quiet())
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

func TestAFailingTaskIsFoundWithItsErrorAndItsStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		d := show(t, system)
		p := open(t, system, func(_ context.Context, in string) (string, error) {
			time.Sleep(time.Millisecond)
			switch in {
			case "fail":
				return "", errTask
			case "panic":
				panic("cannot digest this")
			case "hostile":
				return "", hostile{}
			case "ending":
				return "", ending{}
			}
			return in, nil
		}, actors.WithName("p"), actors.WithSize(1))
		for _, in := range []string{"well", "fail", "panic", "hostile", "ending"} {
			_, _ = p.Ask(t.Context(), in, actors.ID("the-"+in), actors.Key("k-"+in))
		}
		require.NoError(t, p.Tell(t.Context(), "panic", actors.ID("told")))
		require.NoError(t, p.Wait(t.Context()))
		time.Sleep(time.Second)
		synctest.Wait()

		all := answer[tasks](t, d, "/tasks?pool=p")
		require.Equal(t, 6, all.Found)
		assert.Equal(t, "told", all.Tasks[0].ID, "the newest comes first")
		assert.Contains(t, all.Tasks[0].Stack, "dashboard_test.go")
		assert.Equal(t, 5, answer[tasks](t, d, "/tasks?pool=p&outcome=wrong").Found)
		assert.Equal(t, 1, answer[tasks](t, d, "/tasks?pool=p&outcome=succeeded").Found)
		assert.Equal(t, 1, answer[tasks](t, d, "/tasks?pool=p&find=k-fail").Found)

		failed := answer[tasks](t, d, "/tasks?pool=p&find=the-fail").Tasks[0]
		assert.Equal(t, "failed", failed.Outcome)
		assert.Equal(t, errTask.Error(), failed.Error)
		assert.InDelta(t, 0.001, failed.Run, 1e-9)
		assert.Equal(t, "worker 1", failed.Worker)
		panicked := answer[tasks](t, d, "/tasks?pool=p&find=the-panic").Tasks[0]
		assert.Contains(t, panicked.Error, "cannot digest this")
		assert.Contains(t, panicked.Stack, "dashboard_test.go")
		assert.Contains(t, answer[tasks](t, d, "/tasks?pool=p&find=the-hostile").Tasks[0].Error, "cannot be had")
		assert.Contains(t, answer[tasks](t, d, "/tasks?pool=p&find=the-ending").Tasks[0].Error, "cannot be had")
		assert.Empty(t, panicked.Payload, "there is no formatter")
	})
}

// hostile is an error whose text cannot be had.
type hostile struct{}

func (hostile) Error() string { panic("no text") }

// ending is an error that ends the goroutine of who asks for its text.
type ending struct{}

func (ending) Error() string {
	runtime.Goexit()
	return ""
}

func TestPayloadsAreShownThroughTheUsersFormatterAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		d := show(t, system, dashboard.WithPayload(func(payload any) string {
			if payload == 2 {
				panic("no words for it")
			}
			return fmt.Sprintf("<b>%v</b>", payload)
		}))
		p := open(t, system, func(_ context.Context, in int) (int, error) {
			if in == 3 {
				panic(in)
			}
			return in, nil
		}, actors.WithName("p"), actors.WithQuarantine(actors.Quarantine{Crashes: 1}))
		for in := 1; in <= 3; in++ {
			_, _ = p.Ask(t.Context(), in)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		said := answer[tasks](t, d, "/tasks?pool=p").Tasks
		require.Len(t, said, 3)
		assert.Equal(t, "<b>3</b>", said[0].Payload)
		assert.Equal(t, "the formatter failed", said[1].Payload)
		assert.Equal(t, "<b>1</b>", said[2].Payload)
		assert.NotContains(t, get(d, "/tasks?pool=p").Body.String(), "<b>", "not even a careless page would take it for markup")
		assert.Equal(t, "<b>3</b>", answer[tasks](t, d, "/quarantine?pool=p").Tasks[0].Payload)
	})
}

func TestTheWorkerToBlameComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		d := show(t, system)
		release := make(chan struct{})
		p := open(t, system, func(_ context.Context, in string) (string, error) {
			if in == "stuck" {
				<-release
			}
			time.Sleep(time.Millisecond)
			return in, nil
		}, actors.WithName("p"), actors.WithSize(5))
		defer close(release)
		require.NoError(t, p.Tell(t.Context(), "stuck", actors.ID("stuck")))
		for range 30 {
			require.NoError(t, p.Tell(t.Context(), "well"))
		}
		time.Sleep(11 * time.Second)
		synctest.Wait()
		said := answer[workers](t, d, "/workers?pool=p")
		assert.Equal(t, 5, said.Total)
		assert.Equal(t, "stuck", said.Workers[0].Task)
		assert.True(t, said.Workers[0].Long)
		assert.InDelta(t, 11, said.Workers[0].Elapsed, 1)
		assert.Equal(t, 1, answer[workers](t, d, "/workers?pool=p&find=busy").Found)

		f := now(t, d)
		assert.Equal(t, "trouble", f.Pools[0].Level)
		assert.Equal(t, alert{
			Level: "trouble", Text: said.Workers[0].Name + " has been on task stuck for 11s", Page: "workers", Find: said.Workers[0].ID,
		}, f.Pools[0].Alerts[0])
	})
}

func TestATableOfTenThousandWorkersIsCut(t *testing.T) {
	system := quiet()
	open(t, system, nothing, actors.WithName("p"), actors.WithSize(10_000))
	said := answer[workers](t, show(t, system), "/workers?pool=p&order=pool")
	assert.Equal(t, 10_000, said.Total)
	assert.Len(t, said.Workers, 200)
}

func TestALongTextToFindCostsNoMoreThanItsReading(t *testing.T) {
	system := quiet()
	open(t, system, nothing, actors.WithName("p"), actors.WithSize(10_000))
	d, long := show(t, system), "/workers?pool=p&find="+strings.Repeat("A", 900_000)
	start := time.Now()
	assert.Zero(t, answer[workers](t, d, long).Found)
	assert.Less(t, time.Since(start), 5*time.Second)
}

func TestHistoryIsFiveMinutesLongAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		d := show(t, system)
		p := open(t, system, func(context.Context, int) (int, error) {
			time.Sleep(100 * time.Millisecond)
			return 0, errTask
		}, actors.WithName("p"), actors.WithSize(2))
		stop := make(chan struct{})
		var client sync.WaitGroup
		client.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_, err := p.Ask(context.Background(), 0)
					assert.ErrorIs(t, err, errTask)
				}
			}
		})
		time.Sleep(10 * time.Minute)
		close(stop)
		client.Wait()
		points := answer[history](t, d, "/history?pool=p").Points
		require.Len(t, points, 300)
		for i, p := range points {
			if i > 0 {
				assert.InDelta(t, 1, *p[0]-*points[i-1][0], 0.001, "a second each")
			}
			assert.InDelta(t, 10, *p[1], 1, "throughput")
			assert.InDelta(t, 10, *p[2], 1, "of which went wrong")
			assert.InDelta(t, 2, *p[6], 0, "size")
			assert.InDelta(t, 0.5, *p[7], 0.01, "utilization")
			assert.InDelta(t, 0.1, *p[12], 0.001, "p95 of the running times")
		}
	})
}

// Tasks fail and succeed, a thousand a second, each with an ID and a length of its own, and
// a reader does not read.
func TestWhatItKeepsIsBoundedHoweverManyTasksThereAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		heap := func() int64 {
			synctest.Wait()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		p := open(t, system, func(_ context.Context, in int) (int, error) {
			time.Sleep(time.Duration(in) * time.Microsecond)
			if in%2 == 0 {
				return 0, fmt.Errorf("number %d: %w", in, errTask)
			}
			return 0, nil
		}, actors.WithName("p"), actors.WithSize(8))
		seconds := func(n int) {
			for i := range n {
				for j := range 1000 {
					in := i*7919 + j*104729
					require.NoError(t, p.Tell(t.Context(), in%5_000, actors.ID(strconv.Itoa(in))))
				}
				time.Sleep(time.Second)
			}
		}
		seconds(5)
		before := heap()
		d := show(t, system)
		s := follow(t, d)
		defer s.end()
		_, ok := s.next(t)
		require.True(t, ok)
		seconds(120)
		get(d, "/tasks?pool=p")
		kept := heap() - before
		t.Logf("%d kB a pool", kept>>10)
		assert.Less(t, kept, int64(3<<19))
		seconds(90)
		get(d, "/tasks?pool=p")
		more := heap() - before - kept
		t.Logf("%d kB more after 90,000 more tasks", more>>10)
		assert.Less(t, more, int64(512<<10), "six bytes a task; as many points of the charts have come, and the collector is never quite done")
	})
}

func TestQuantilesAreThoseOfTheLastTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		d := show(t, system)
		p := open(t, system, func(_ context.Context, in time.Duration) (int, error) {
			time.Sleep(in)
			return 0, nil
		}, actors.WithName("p"))
		_, err := p.Ask(t.Context(), time.Second)
		require.NoError(t, err)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		assert.Nil(t, now(t, d).Pools[0].Point[12], "nothing was done")
		_, err = p.Ask(t.Context(), 10*time.Millisecond)
		require.NoError(t, err)
		time.Sleep(time.Second)
		synctest.Wait()
		assert.InDelta(t, 0.01, *now(t, d).Pools[0].Point[13], 0.0001)
	})
}

func TestRejectionsAreShownByTheirReasons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		d := show(t, system)
		p := open(t, system, nothing, actors.WithName("p"), actors.WithQueue(0, actors.Reject), actors.WithSize(1))
		p.Pause()
		for range 3 {
			require.ErrorIs(t, p.Tell(t.Context(), 1), messages.ErrQueueFull)
		}
		system.Root.Send(p.PID(), "of another type")
		time.Sleep(time.Second)
		synctest.Wait()
		f := now(t, d)
		assert.Equal(t, map[string]int64{"queue_full": 3, "payload_type": 1}, f.Pools[0].Rejections)
		assert.Contains(t, f.Pools[0].texts(), "trouble: 100 % of what came in the last 10 s was rejected: 4 tasks, mostly queue full")
		assert.Contains(t, f.Pools[0].texts(), "note: paused: queued tasks wait")
	})
}

func TestItIsWellAgainTenSecondsAfterTheLastFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		d := show(t, system)
		p := open(t, system, func(context.Context, int) (int, error) { return 0, errTask }, actors.WithName("p"))
		for range 10 {
			_, err := p.Ask(t.Context(), 1)
			require.ErrorIs(t, err, errTask)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		f := now(t, d)
		assert.Equal(t, []string{"trouble: 100 % of the tasks of the last 10 s went wrong: 10 of 10"}, f.Pools[0].texts())
		time.Sleep(10 * time.Second)
		synctest.Wait()
		assert.Empty(t, now(t, d).Pools[0].Alerts)
	})
}

func TestAPausedPoolInWhichTasksWaitSaysSoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		d := show(t, system)
		p := open(t, system, nothing, actors.WithName("p"), actors.WithQueue(2, actors.Reject))
		p.Pause()
		for range 2 {
			require.NoError(t, p.Tell(t.Context(), 1))
		}
		require.ErrorIs(t, p.Tell(t.Context(), 1), messages.ErrQueueFull)
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, []string{
			"warning: paused: queued tasks wait",
			"warning: 33 % of what came in the last 10 s was rejected: 1 task, mostly queue full",
			"note: the queue is full: 2 of 2",
		}, now(t, d).Pools[0].texts())
	})
}

func TestAHandlerThatIgnoresTheEndOfItsTaskIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		d := show(t, system)
		release := make(chan struct{})
		defer close(release)
		p := open(t, system, func(_ context.Context, in string) (int, error) {
			if in == "stuck" {
				<-release
			}
			return 0, nil
		}, actors.WithName("p"), actors.WithSize(4))
		for range 50 {
			_, err := p.Ask(t.Context(), "well")
			require.NoError(t, err)
		}
		for _, id := range []string{"first", "second"} {
			_, err := p.Ask(t.Context(), "stuck", actors.ID(id), actors.Timeout(time.Second/2))
			require.ErrorIs(t, err, messages.ErrTaskTimeout)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Contains(t, now(t, d).Pools[0].texts(),
			"warning: 2 handlers go on with a task that has timed out or was canceled: first, for 3s in all")
		assert.Equal(t, 2, answer[workers](t, d, "/workers?pool=p&find=overdue").Found)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		assert.Regexp(t, "^trouble: worker . has been on task first for 13s, and 1 other is on theirs for too long as well$", now(t, d).Pools[0].texts()[0])
	})
}

func TestATaskThatTakesLongWhereNoneIsKnownIsNoTroubleYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		d := show(t, system)
		p := open(t, system, func(context.Context, int) (int, error) {
			time.Sleep(time.Minute)
			return 0, nil
		}, actors.WithName("p"))
		require.NoError(t, p.Tell(t.Context(), 1))
		time.Sleep(40 * time.Second)
		synctest.Wait()
		assert.Regexp(t, "^warning: worker . has been on task 1 for 40s$", now(t, d).Pools[0].texts()[0])
		require.NoError(t, p.Wait(t.Context()))
	})
}

func TestADegradedPoolSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		d := show(t, system)
		release := make(chan struct{})
		defer close(release)
		p := open(t, system, func(context.Context, int) (int, error) {
			<-release
			return 0, nil
		}, actors.WithName("p"), actors.WithWatchdog(actors.Watchdog{Grace: time.Second}))
		_, err := p.Ask(t.Context(), 1, actors.Timeout(time.Second))
		require.ErrorIs(t, err, messages.ErrTaskTimeout)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		assert.Contains(t, now(t, d).Pools[0].texts(), "trouble: 1 handler ignores the end of its task and was given up")
	})
}

func TestSpawnFailuresLeaveNoPoolBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := quiet()
		d := show(t, system)
		open(t, system, nothing, actors.WithName("taken"))
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
