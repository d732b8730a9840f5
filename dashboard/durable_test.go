package dashboard_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/dashboard"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

// fake is a durable queue that does what its functions do, if it has them.
type fake struct {
	name     func() string
	inspect  func(ctx context.Context) (messages.DurableStats, error)
	letters  func(ctx context.Context, after uint64, limit int) ([]messages.DeadLetter, error)
	requeue  func(ctx context.Context, numbers ...uint64) (int, error)
	remove   func(ctx context.Context, numbers ...uint64) (int, error)
	inspects atomic.Int64
}

var errStore = errors.New("the store's own error")

func (f *fake) Name() string {
	if f.name == nil {
		return "q"
	}
	return f.name()
}

func (f *fake) Inspect(ctx context.Context) (messages.DurableStats, error) {
	f.inspects.Add(1)
	if f.inspect == nil {
		return messages.DurableStats{}, nil
	}
	return f.inspect(ctx)
}

func (f *fake) DeadLetters(ctx context.Context, after uint64, limit int) ([]messages.DeadLetter, error) {
	return f.letters(ctx, after, limit)
}

func (f *fake) Requeue(ctx context.Context, numbers ...uint64) (int, error) {
	return f.requeue(ctx, numbers...)
}

func (f *fake) Delete(ctx context.Context, numbers ...uint64) (int, error) {
	return f.remove(ctx, numbers...)
}

func named(name string) *fake { return &fake{name: func() string { return name }} }

type queue struct {
	Name, State, Level, Error string
	Alerts                    []alert
	Age                       *float64
	Figures                   *struct {
		Ready, Delayed, InHand, Retrying, Dead, Bytes int64
		Oldest                                        float64
		NodesAll                                      int
		Levels                                        []struct {
			Priority      int
			Ready, InHand int64
		}
		Nodes []struct {
			Node, Pool                 string
			Up, Seen                   *float64
			Workers, Busy, Held, Acked int
			GivenBack, Again           int64
		}
		Servers []struct {
			Name            string
			Leader, Current bool
			Lag             int64
			Active          float64
		}
	}
}

func (q queue) texts() []string { return pool{Alerts: q.Alerts}.texts() }

// looked is what a dashboard shows of its only durable queue after somebody has looked at
// it for a while.
func looked(t *testing.T, d *dashboard.Dashboard, while time.Duration) queue {
	t.Helper()
	s := follow(t, d)
	defer s.end()
	for end := time.Now().Add(while); ; {
		f, ok := s.next(t)
		require.True(t, ok)
		require.Len(t, f.Queues, 1)
		if !time.Now().Before(end) {
			return f.Queues[0]
		}
	}
}

func TestDurableQueuesThatMakeNoSenseAreSaid(t *testing.T) {
	var none *fake
	for text, options := range map[string][]dashboard.Option{
		"is nil":             {dashboard.WithDurable(nil)},
		"named \"q\"":        {dashboard.WithDurable(named("q"), named("q"))},
		"two durable queues": {dashboard.WithDurable(named("q\xff")), dashboard.WithDurable(named("q\xfe"))},
		"has no name: its":   {dashboard.WithDurable(none)},
		"its goroutine":      {dashboard.WithDurable(&fake{name: func() string { runtime.Goexit(); return "" }})},
	} {
		w := get(show(t, pooltest.System(), options...), "/")
		assertRefused(t, w, 500, messages.ErrInvalidOption.Error())
		assert.Contains(t, w.Body.String(), text)
	}
	assert.Equal(t, 200, get(show(t, pooltest.System(), dashboard.WithDurable()), "/").Code)
}

func TestWithoutDurableQueuesNoFrameHasAny(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		assert.Nil(t, now(t, show(t, pooltest.System())).Queues)
	})
}

func TestADurableQueueIsShownWithItsNodesAndServers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		d := show(t, pooltest.System(), dashboard.WithDurable(&fake{inspect: func(context.Context) (messages.DurableStats, error) {
			at := time.Now()
			return messages.DurableStats{
				At: at, Ready: 1, Delayed: 2, InHand: 3, Retrying: 4, Dead: 5, Oldest: time.Minute, Bytes: 7,
				Levels: []messages.DurableLevel{{Priority: 9, Ready: 1}, {Priority: -1, InHand: 3}},
				Nodes: append([]messages.DurableNode{{
					Node: "n", Pool: "p", Since: at.Add(-time.Hour), Seen: at.Add(-time.Second), Workers: 4, Busy: 2, Held: 3, Acked: 8, GivenBack: 9, Again: 10,
				}, {Seen: at.Add(time.Hour)}}, make([]messages.DurableNode, 298)...),
				Servers: []messages.DurableServer{{Name: "a", Leader: true, Current: true}, {Name: "b", Lag: 1, Active: 2 * time.Second}},
			}, nil
		}}))
		q := looked(t, d, 2*time.Second)
		assert.Equal(t, "q", q.Name)
		assert.Equal(t, "reachable", q.State)
		f := q.Figures
		assert.Equal(t, []int64{1, 2, 3, 4, 5, 7}, []int64{f.Ready, f.Delayed, f.InHand, f.Retrying, f.Dead, f.Bytes})
		assert.InDelta(t, 60, f.Oldest, 0)
		assert.Equal(t, 9, f.Levels[0].Priority)
		assert.Equal(t, int64(3), f.Levels[1].InHand)
		assert.Equal(t, 300, f.NodesAll)
		assert.Len(t, f.Nodes, 200)
		assert.Equal(t, "n", f.Nodes[0].Node)
		assert.InDelta(t, 3600, *f.Nodes[0].Up, 0)
		assert.InDelta(t, 1, *f.Nodes[0].Seen, 0)
		assert.Zero(t, *f.Nodes[1].Seen, "another's clock may be ahead")
		assert.Nil(t, f.Nodes[1].Up)
		assert.True(t, f.Servers[0].Leader)
		assert.InDelta(t, 2, f.Servers[1].Active, 0)
		assert.Equal(t, []string{"warning: server b is not current: 1 operation behind, heard of 2s ago", "warning: 5 dead letters"}, q.texts())
		assert.Equal(t, "warning", q.Level)
		assert.Equal(t, alert{"warning", "5 dead letters", "cluster", "q"}, q.Alerts[1])
	})
}

func TestAQueueThatNobodyTakesFromIsInTrouble(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		d := show(t, pooltest.System(), dashboard.WithDurable(&fake{inspect: func(context.Context) (messages.DurableStats, error) {
			return messages.DurableStats{Ready: 1, Dead: 1}, nil
		}}))
		assert.Equal(t, []string{"trouble: no node takes tasks from it: 1 task is ready", "warning: 1 dead letter"}, looked(t, d, 2*time.Second).texts())
	})
}

func TestADurableQueueIsAskedEveryTwoSecondsWhileSomebodyLooks(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		f := &fake{}
		d := show(t, pooltest.System(), dashboard.WithDurable(f))
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Zero(t, f.inspects.Load(), "nobody looks")

		first := follow(t, d)
		v, _ := first.next(t)
		assert.Equal(t, "unknown", v.Queues[0].State)
		synctest.Wait()
		assert.Equal(t, int64(1), f.inspects.Load(), "at once")
		second := follow(t, d)
		for range 20 {
			_, _ = second.next(t)
			v, _ = first.next(t)
		}
		assert.Equal(t, "reachable", v.Queues[0].State)
		assert.InDelta(t, 10, f.inspects.Load(), 1, "however many look")
		first.end()
		second.end()

		time.Sleep(10 * time.Second) // attention may last for a little
		synctest.Wait()
		before := f.inspects.Load()
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, before, f.inspects.Load(), "nobody looks any more")
		stale := now(t, d).Queues[0]
		assert.Equal(t, "unknown", stale.State)
		assert.InDelta(t, 70, *stale.Age, 6)
		assert.Empty(t, stale.Alerts)
		assert.Equal(t, "reachable", looked(t, d, time.Second).State)
	})
}

func TestAClosedDashboardAsksNoQueueAndEndsTheCallUnderWay(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		ended := make(chan struct{})
		f := &fake{inspect: func(ctx context.Context) (messages.DurableStats, error) {
			<-ctx.Done()
			close(ended)
			return messages.DurableStats{}, ctx.Err()
		}}
		d := show(t, pooltest.System(), dashboard.WithDurable(f))
		s := follow(t, d)
		defer s.end()
		_, _ = s.next(t)
		synctest.Wait()
		d.Close()
		start := time.Now()
		<-ended
		assert.Equal(t, start, time.Now())
		time.Sleep(time.Minute)
		assert.Equal(t, int64(1), f.inspects.Load())
	})
}

func TestAQueueThatFailsIsUnreachableAndKeepsItsLastFigures(t *testing.T) {
	for name, test := range map[string]struct {
		fail func(ctx context.Context) (messages.DurableStats, error)
		says string
	}{
		"error":  {func(context.Context) (messages.DurableStats, error) { return messages.DurableStats{}, errStore }, errStore.Error()},
		"panic":  {func(context.Context) (messages.DurableStats, error) { panic("no store") }, "its method panicked: no store"},
		"goexit": {func(context.Context) (messages.DurableStats, error) { runtime.Goexit(); panic("never") }, "its method ended its goroutine"},
		"timeout": {func(ctx context.Context) (messages.DurableStats, error) {
			<-ctx.Done()
			return messages.DurableStats{}, ctx.Err()
		}, "deadline exceeded"},
		"no text":     {func(context.Context) (messages.DurableStats, error) { return messages.DurableStats{}, errors.New("") }, "an error without a text"},
		"long text":   {func(context.Context) (messages.DurableStats, error) { panic(strings.Repeat("x", 1<<20)) }, "its method panicked: xxx"},
		"broken text": {func(context.Context) (messages.DurableStats, error) { return messages.DurableStats{}, hostile{} }, "whose text cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				var broken atomic.Bool
				f := &fake{}
				f.inspect = func(ctx context.Context) (messages.DurableStats, error) {
					if broken.Load() {
						return test.fail(ctx)
					}
					return messages.DurableStats{Ready: 7, Nodes: make([]messages.DurableNode, 1)}, nil
				}
				d := show(t, pooltest.System(), dashboard.WithDurable(f))
				assert.Empty(t, looked(t, d, 2*time.Second).Alerts)
				broken.Store(true)
				q := looked(t, d, 30*time.Second)
				assert.Equal(t, "unreachable", q.State)
				assert.Contains(t, q.Error, test.says)
				assert.Less(t, len(q.Error), 600)
				assert.InDelta(t, 30, *q.Age, 4)
				assert.Equal(t, int64(7), q.Figures.Ready)
				assert.Equal(t, []string{"trouble: unreachable: " + q.Error}, q.texts())
				broken.Store(false)
				assert.Equal(t, "reachable", looked(t, d, 8*time.Second).State)
			})
		})
	}
}

func TestAQueueThatDoesNotReturnHoldsUpNobodyAndIsAskedOnce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		f := &fake{inspect: func(context.Context) (messages.DurableStats, error) {
			<-release
			return messages.DurableStats{Ready: 7}, nil
		}}
		well := named("well")
		d := show(t, pooltest.System(), dashboard.WithDurable(f, well))
		s := follow(t, d)
		defer s.end()
		start := time.Now()
		var v frame
		for range 61 {
			v, _ = s.next(t)
		}
		assert.Equal(t, start.Add(time.Minute), time.Now())
		assert.Equal(t, int64(1), f.inspects.Load())
		assert.InDelta(t, 30, well.inspects.Load(), 1)
		assert.Equal(t, "unreachable", v.Queues[0].State)
		assert.Equal(t, "no answer for 1m0s", v.Queues[0].Error)
		assert.Nil(t, v.Queues[0].Figures)
		assert.Equal(t, "reachable", v.Queues[1].State)
		close(release)
		_, _ = s.next(t)
		v, _ = s.next(t)
		assert.Equal(t, "reachable", v.Queues[0].State, "late is not never")
	})
}

func TestFiguresFollowTheQueue(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		f := &fake{}
		f.inspect = func(context.Context) (messages.DurableStats, error) {
			return messages.DurableStats{Delayed: f.inspects.Load()}, nil
		}
		assert.InDelta(t, 10, looked(t, show(t, pooltest.System(), dashboard.WithDurable(f)), 20*time.Second).Figures.Delayed, 1)
	})
}
