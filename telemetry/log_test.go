package telemetry_test

import (
	"bytes"
	"context"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/telemetry"
)

// notes is a handler that keeps records, from a level on.
type notes struct {
	level slog.Level
	spell func(slog.Record) // what else it does first; nil: nothing

	mu   sync.Mutex
	list []slog.Record // guarded by mu
}

func (n *notes) Enabled(_ context.Context, level slog.Level) bool { return level >= n.level }
func (n *notes) WithAttrs([]slog.Attr) slog.Handler               { return n }
func (n *notes) WithGroup(string) slog.Handler                    { return n }

func (n *notes) Handle(_ context.Context, r slog.Record) error {
	if n.spell != nil {
		n.spell(r)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, r)
	return nil
}

// lines are the records so far.
func (n *notes) lines() []slog.Record {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]slog.Record(nil), n.list...)
}

func (n *notes) texts() []string {
	var list []string
	for _, r := range n.lines() {
		list = append(list, r.Level.String()+" "+r.Message)
	}
	return list
}

// with is the first record with the text.
func (n *notes) with(t *testing.T, text string) (slog.Record, map[string]slog.Value) {
	t.Helper()
	for _, r := range n.lines() {
		if r.Message == text {
			attrs := make(map[string]slog.Value)
			r.Attrs(func(a slog.Attr) bool { attrs[a.Key] = a.Value; return true })
			return r, attrs
		}
	}
	require.Failf(t, "no such line", "%q in %v", text, n.texts())
	return slog.Record{}, nil
}

// logTo logs until the end of the test.
func logTo(t *testing.T, system *actor.ActorSystem, to slog.Handler, opts ...telemetry.LogOption) (stop func()) {
	t.Helper()
	stop, err := telemetry.Log(system, slog.New(to), opts...)
	require.NoError(t, err)
	t.Cleanup(stop)
	return stop
}

func TestLogSaysWhatWentWrong(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		n := &notes{level: slog.LevelInfo}
		stop := logTo(t, system, n)
		pool := pooltest.Open(t, system.Root, act, actors.WithName("kitchen"), actors.WithSize(1))
		begun := time.Now()
		time.Sleep(10 * time.Millisecond)
		eachOutcome(t, pool)
		assert.Empty(t, n.lines(), "the interval is not over")
		time.Sleep(time.Second)
		assert.ElementsMatch(t, []string{
			"WARN task failed", "WARN task failed", "ERROR task panicked", "WARN worker restarted",
			"WARN task timed out", "INFO task canceled",
		}, n.texts())

		record, attrs := n.with(t, "task failed")
		assert.True(t, record.Time.Equal(begun.Add(10*time.Millisecond)), "the time is the event's own")
		assert.Equal(t, "kitchen", attrs["pool"].String())
		assert.Contains(t, attrs["worker"].String(), "kitchen")
		assert.Equal(t, "4", attrs["task_id"].String())
		assert.EqualValues(t, 1, attrs["attempt"].Int64())
		assert.Equal(t, "failed", attrs["outcome"].String())
		assert.Equal(t, pooltest.ErrTask, attrs["error"].Any())
		assert.Contains(t, attrs, "wait")
		assert.NotContains(t, attrs, "stack")
		_, attrs = n.with(t, "task timed out")
		assert.Equal(t, time.Millisecond, attrs["run"].Duration())
		assert.Equal(t, "timed_out", attrs["outcome"].String())
		_, attrs = n.with(t, "task panicked")
		assert.Contains(t, attrs["stack"].String(), "telemetry_test.act")
		_, attrs = n.with(t, "worker restarted")
		assert.Equal(t, pooltest.ErrTask, attrs["reason"].Any())

		_ = pool.Tell(context.Background(), "fail")
		synctest.Wait()
		before := len(n.lines())
		stop()
		assert.Len(t, n.lines(), before+1, "what there was is written")
		_ = pool.Tell(context.Background(), "fail")
		time.Sleep(time.Second)
		stop()
		assert.Len(t, n.lines(), before+1, "and nothing afterwards")
	})
}

func TestLogHasSuccessesIfTheLoggerTakesThem(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		n := &notes{level: slog.LevelDebug}
		pool := pooltest.Open(t, system.Root, act, actors.WithName("kitchen"), actors.WithSize(1)) // it was there before
		logTo(t, system, n, telemetry.WithInterval(time.Second))
		_, err := pool.Ask(context.Background(), "well", actors.ID("soup"))
		require.NoError(t, err)
		require.NoError(t, pool.Resize(context.Background(), 2))
		time.Sleep(time.Second + 1)
		_, attrs := n.with(t, "task succeeded")
		assert.Equal(t, "soup", attrs["task_id"].String())
		n.with(t, "worker started")
		_, attrs = n.with(t, "pool resized")
		assert.EqualValues(t, 2, attrs["to"].Int64())
		pool.Close()
		time.Sleep(time.Second)
		n.with(t, "pool stopped")
		_, attrs = n.with(t, "worker stopped")
		assert.Equal(t, "pool stopped", attrs["reason"].String())
	})
}

func TestLogReportsRetriesAndQuarantinedTasks(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		n := &notes{level: slog.LevelInfo}
		logTo(t, system, n)
		pool := pooltest.Open(t, system.Root, act, actors.WithName("kitchen"), actors.WithSize(1),
			actors.WithRetry(actors.Retry{Attempts: 2, On: actors.AnyError, Min: time.Minute, Max: time.Minute}),
			actors.WithQuarantine(actors.Quarantine{Exhausted: true}))
		_, err := pool.Ask(context.Background(), "fail")
		require.ErrorIs(t, err, messages.ErrQuarantined)
		time.Sleep(time.Second)
		assert.Equal(t, []string{"INFO task to be retried", "ERROR task quarantined"}, n.texts())
		_, attrs := n.with(t, "task to be retried")
		assert.Positive(t, attrs["delay"].Duration())
		_, attrs = n.with(t, "task quarantined")
		assert.EqualValues(t, 2, attrs["attempt"].Int64())
	})
}

func TestLogSaysHowMuchItHasLeftOut(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		n := &notes{level: slog.LevelInfo}
		logTo(t, system, n, telemetry.WithKeep(1))
		pool := pooltest.Open(t, system.Root, act, actors.WithName("kitchen"), actors.WithSize(1))
		for range 1000 {
			require.NoError(t, pool.Tell(context.Background(), "fail"))
		}
		require.NoError(t, pool.Wait(context.Background()))
		time.Sleep(time.Second)
		_, attrs := n.with(t, "log lines left out")
		assert.Equal(t, "kitchen", attrs["pool"].String())
		assert.EqualValues(t, 1000, attrs["lines"].Int64()+int64(len(n.lines()))-1)
	})
}

func TestLogsEventsAreBounded(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		n := &notes{level: slog.LevelInfo}
		logTo(t, system, n)
		worker := actor.NewPID("nonhost", "w")
		for range 2000 {
			system.EventStream.Publish(&messages.WorkerAbandoned{
				Pool: "kitchen", Worker: worker, TaskID: "7", Overdue: time.Second, Stack: []byte("the stack"),
			})
		}
		system.EventStream.Publish(&messages.Overloaded{Pool: "kitchen"}) // logged by the pool
		time.Sleep(time.Second)
		_, attrs := n.with(t, "log lines left out")
		assert.EqualValues(t, 2001, attrs["lines"].Int64()+int64(len(n.lines())))
		_, attrs = n.with(t, "handler abandoned")
		assert.Equal(t, "the stack", attrs["stack"].String())
		assert.Equal(t, "7", attrs["task_id"].String())
	})
}

func TestLogHasALineForEachEventOfInterest(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		n := &notes{level: slog.LevelDebug}
		stop := logTo(t, system, n)
		worker := actor.NewPID("nonhost", "w")
		for _, event := range []any{
			&messages.WorkerReplaced{Pool: "kitchen", Worker: worker, Replace: worker},
			&messages.BreakerOpened{Pool: "kitchen", Worker: worker},
			&messages.BreakerClosed{Pool: "kitchen", Worker: worker},
			&messages.AbandonedReturned{Pool: "kitchen"},
			&messages.Autoscaled{Pool: "kitchen"},
			&messages.Autoscaled{Pool: "kitchen", Err: pooltest.ErrTask},
			&messages.Degraded{Pool: "kitchen"},
			&messages.Stats{},
		} {
			system.EventStream.Publish(event)
		}
		stop()
		assert.Equal(t, []string{
			"WARN worker replaced", "WARN breaker opened", "INFO breaker closed", "INFO abandoned handler returned",
			"DEBUG pool autoscaled", "WARN pool not autoscaled",
		}, n.texts())
	})
}

func TestLogIsWhatSlogMakesOfIt(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		var text bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&text, nil)).With("service", "restaurant")
		stop, err := telemetry.Log(system, logger)
		require.NoError(t, err)
		pool := pooltest.Open(t, system.Root, act, actors.WithName("kitchen"), actors.WithSize(1))
		_, err = pool.Ask(context.Background(), "fail")
		require.ErrorIs(t, err, pooltest.ErrTask)
		stop()
		assert.Contains(t, text.String(), `level=WARN msg="task failed" service=restaurant pool=kitchen task_id=1`)
		assert.Contains(t, text.String(), strconv.Quote(pooltest.ErrTask.Error()))
	})
}

func TestLoggingNothingIsAnError(t *testing.T) {
	system, logger := pooltest.System(), slog.New(slog.DiscardHandler)
	for name, log := range map[string]func() (func(), error){
		"nil system":   func() (func(), error) { return telemetry.Log(nil, logger) },
		"nil logger":   func() (func(), error) { return telemetry.Log(system, nil) },
		"nil option":   func() (func(), error) { return telemetry.Log(system, logger, nil) },
		"interval 0":   func() (func(), error) { return telemetry.Log(system, logger, telemetry.WithInterval(0)) },
		"keep nothing": func() (func(), error) { return telemetry.Log(system, logger, telemetry.WithKeep(0)) },
	} {
		stop, err := log()
		assert.ErrorIs(t, err, messages.ErrInvalidOption, name)
		assert.Nil(t, stop, name)
	}
}
