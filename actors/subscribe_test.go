package actors_test

import (
	"bytes"
	"fmt"
	"log/slog"
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
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
)

// A notebook is a log that may be read at any time.
type notebook struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (n *notebook) Write(line []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(line)
}

func (n *notebook) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// loggingSystem returns an actor system, and what it has logged.
func loggingSystem() (system *actor.ActorSystem, lines func() string) {
	log := new(notebook)
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	system = actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return logger }),
		actor.WithDeadLetterThrottleInterval(pooltest.DeadLetterPeriod),
	)
	return system, log.String
}

// publish publishes an event of a pool, which says n.
func publish(system *actor.ActorSystem, pool string, n int) {
	system.EventStream.Publish(&messages.PoolResized{Pool: pool, To: n})
}

func TestSubscribeDeliversTheEventsOfOnePool(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		var restarts []*messages.WorkerRestarted
		var all, everywhere []messages.Event
		defer actors.Subscribe(system, "a", func(e *messages.WorkerRestarted) { restarts = append(restarts, e) })()
		defer actors.Subscribe(system, "a", func(e messages.Event) { all = append(all, e) })()
		defer actors.Subscribe(system, "", func(e messages.Event) { everywhere = append(everywhere, e) })()
		a := pooltest.Open(t, system.Root, pooltest.Crash, actors.WithName("a"), actors.WithSize(1), actors.WithHealth(time.Second))
		b := pooltest.Open(t, system.Root, pooltest.Crash, actors.WithName("b"), actors.WithSize(1))
		for range 2 {
			_, err := a.Ask(t.Context(), -1)
			require.Error(t, err)
			_, err = b.Ask(t.Context(), -1)
			require.Error(t, err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		a.Close()
		<-a.Done()
		synctest.Wait()
		kinds := func(of []messages.Event) (kinds []string) {
			for _, e := range of {
				kinds = append(kinds, strings.TrimPrefix(fmt.Sprintf("%T", e), "*messages."))
			}
			return kinds
		}
		assert.Len(t, restarts, 2)
		assert.Equal(t, []string{"WorkerStarted", "WorkerRestarted", "WorkerRestarted", "Stats", "WorkerStopped", "PoolStopped"}, kinds(all))
		assert.Len(t, everywhere, len(all)+3)
		for _, e := range all {
			assert.Equal(t, "a", messages.PoolOf(e))
		}
	})
}

func TestASubscriberMayBlockWhileTheOldestEventsAreDropped(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system, lines := loggingSystem()
		release := make(chan struct{})
		var got []int
		cancel := actors.Subscribe(system, "p", func(e *messages.PoolResized) {
			got = append(got, e.To)
			<-release
		})
		publish(system, "p", 0)
		synctest.Wait()
		began := time.Now()
		for n := 1; n <= 300; n++ {
			publish(system, "p", n)
			publish(system, "other", n)
		}
		pool := pooltest.Open(t, system.Root, pooltest.Double, actors.WithName("p"), actors.WithSize(1))
		_, err := pool.Ask(t.Context(), 1)
		require.NoError(t, err)
		assert.Zero(t, time.Since(began), "nobody waits for the subscriber")
		close(release)
		synctest.Wait()
		require.Len(t, got, 257)
		assert.Equal(t, []int{0, 45, 46, 300}, []int{got[0], got[1], got[2], got[256]})
		assert.Contains(t, lines(), `level=WARN msg="events dropped: their subscriber is slow" pool=p event=*messages.PoolResized dropped=44`)
		assert.Equal(t, 1, strings.Count(lines(), "\n"))
		publish(system, "p", 301)
		synctest.Wait()
		assert.Equal(t, 301, got[257])
		assert.Equal(t, 1, strings.Count(lines(), "\n"), "reported once")
		cancel()
	})
}

func TestASubscriberThatIsAlwaysBehindIsReportedNowAndThen(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system, lines := loggingSystem()
		handled := 0
		cancel := actors.Subscribe(system, "", func(messages.Event) { handled++; time.Sleep(2 * time.Second) })
		const published = 4000
		for n := range published {
			publish(system, "p", n)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		reports := strings.Count(lines(), "events dropped")
		assert.InDelta(t, published/2/256, reports, 2)
		time.Sleep(time.Hour)
		cancel()
		dropped := 0
		for line := range strings.Lines(lines()) {
			_, count, _ := strings.Cut(strings.TrimSpace(line), "dropped=")
			n, err := strconv.Atoi(count)
			require.NoError(t, err)
			dropped += n
		}
		assert.Equal(t, published, handled+dropped, "every event is handled or counted")
	})
}

func TestASubscriberMayFail(t *testing.T) {
	for name, fail := range map[string]func(){
		"panic":  func() { panic("own fault") },
		"goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				system, lines := loggingSystem()
				var got []int
				cancel := actors.Subscribe(system, "", func(e *messages.PoolResized) {
					got = append(got, e.To)
					if e.To%2 == 0 {
						fail()
					}
				})
				for n := range 10 {
					publish(system, "p", n)
				}
				synctest.Wait()
				assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, got)
				assert.Equal(t, 5, strings.Count(lines(), `level=ERROR msg="event subscriber failed" event=*messages.PoolResized error=`))
				cancel()
			})
		})
	}
}

func TestCancelOfASubscriptionWaitsForTheHandler(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		var mu sync.Mutex
		running, handled := false, 0
		cancel := actors.Subscribe(system, "", func(messages.Event) {
			mu.Lock()
			running = true
			mu.Unlock()
			time.Sleep(time.Minute)
			mu.Lock()
			running = false
			handled++
			mu.Unlock()
		})
		for n := range 5 {
			publish(system, "p", n)
		}
		synctest.Wait()
		began := time.Now()
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				cancel()
				mu.Lock()
				defer mu.Unlock()
				assert.False(t, running)
			})
		}
		all.Wait()
		assert.Equal(t, time.Minute, time.Since(began))
		publish(system, "p", 5)
		cancel()
		time.Sleep(time.Hour)
		assert.Equal(t, 1, handled, "events that waited are dropped")
		assert.Zero(t, system.EventStream.Length()-pooltest.System().EventStream.Length())
	})
}

func TestASubscriptionMayBeCanceledByItsHandler(t *testing.T) {
	for name, end := range map[string]func(){"returns": func() {}, "goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				system := pooltest.System()
				var cancel func()
				handled, canceled := 0, false
				cancel = actors.Subscribe(system, "", func(messages.Event) {
					handled++
					cancel()
					cancel()
					canceled = true
					time.Sleep(time.Second)
					end()
				})
				for n := range 5 {
					publish(system, "p", n)
				}
				synctest.Wait()
				assert.True(t, canceled)
				began := time.Now()
				cancel()
				assert.Equal(t, time.Second, time.Since(began), "it waits for the call that has canceled")
				publish(system, "p", 5)
				time.Sleep(time.Hour)
				assert.Equal(t, 1, handled)
			})
		})
	}
}

// hollow is a type of the user's that embeds an event.
type hollow struct{ *messages.PoolResized }

func TestEventsOfOtherTypesHarmNobody(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		var got []messages.Event
		cancel := actors.Subscribe(system, "p", func(e messages.Event) { got = append(got, e) })
		for _, event := range []any{nil, 1, messages.PoolResized{Pool: "p"}, (*messages.PoolResized)(nil), hollow{}, &hollow{}} {
			system.EventStream.Publish(event)
		}
		publish(system, "p", 1)
		synctest.Wait()
		assert.Equal(t, []messages.Event{&messages.PoolResized{Pool: "p", To: 1}}, got)
		cancel()
	})
}

// TestSubscriptionsComeAndGoWhileEventsArePublished is for the race detector, in real time.
func TestSubscriptionsComeAndGoWhileEventsArePublished(t *testing.T) {
	timelimit.Set(t)
	system := pooltest.System()
	var all sync.WaitGroup
	stop := make(chan struct{})
	for p := range 3 {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
					publish(system, fmt.Sprint(p), n)
				}
			}
		})
	}
	for range 20 {
		var mu sync.Mutex
		over, last, enough := false, -1, make(chan struct{})
		cancel := actors.Subscribe(system, "1", func(e *messages.PoolResized) {
			mu.Lock()
			defer mu.Unlock()
			assert.False(t, over)
			assert.Greater(t, e.To, last, "in order")
			if last < 0 {
				close(enough)
			}
			last = e.To
		})
		<-enough
		cancel()
		mu.Lock()
		over = true
		mu.Unlock()
	}
	close(stop)
	all.Wait()
}
