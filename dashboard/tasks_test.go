package dashboard_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/dashboard"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
)

func TestAFailingTaskIsFoundWithItsErrorAndItsStack(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		d := show(t, system)
		p := pooltest.Open(t, system.Root, func(_ context.Context, in string) (string, error) {
			time.Sleep(time.Millisecond)
			switch in {
			case "fail":
				return "", pooltest.ErrTask
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
		assert.Contains(t, all.Tasks[0].Stack, "tasks_test.go")
		assert.Equal(t, 5, answer[tasks](t, d, "/tasks?pool=p&outcome=wrong").Found)
		assert.Equal(t, 1, answer[tasks](t, d, "/tasks?pool=p&outcome=succeeded").Found)
		assert.Equal(t, 1, answer[tasks](t, d, "/tasks?pool=p&find=k-fail").Found)

		failed := answer[tasks](t, d, "/tasks?pool=p&find=the-fail").Tasks[0]
		assert.Equal(t, "failed", failed.Outcome)
		assert.Equal(t, pooltest.ErrTask.Error(), failed.Error)
		assert.InDelta(t, 0.001, failed.Run, 1e-9)
		assert.Equal(t, "worker 1", failed.Worker)
		panicked := answer[tasks](t, d, "/tasks?pool=p&find=the-panic").Tasks[0]
		assert.Contains(t, panicked.Error, "cannot digest this")
		assert.Contains(t, panicked.Stack, "tasks_test.go")
		assert.Contains(t, answer[tasks](t, d, "/tasks?pool=p&find=the-hostile").Tasks[0].Error, "cannot be read")
		assert.Contains(t, answer[tasks](t, d, "/tasks?pool=p&find=the-ending").Tasks[0].Error, "cannot be read")
		assert.Empty(t, panicked.Payload, "there is no formatter")
	})
}

// hostile is an error whose text cannot be read.
type hostile struct{}

func (hostile) Error() string { panic("no text") }

// ending is an error that ends the goroutine of who asks for its text.
type ending struct{}

func (ending) Error() string {
	runtime.Goexit()
	return ""
}

func TestPayloadsAreShownThroughTheUsersFormatterAlone(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		d := show(t, system, dashboard.WithPayload(func(payload any) string {
			if payload == 2 {
				panic("no words for it")
			}
			return fmt.Sprintf("<b>%v</b>", payload)
		}))
		p := pooltest.Open(t, system.Root, func(_ context.Context, in int) (int, error) {
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

func TestATableOfTenThousandWorkersIsCut(t *testing.T) {
	timelimit.Set(t)
	system := pooltest.System()
	pooltest.Open(t, system.Root, nothing, actors.WithName("p"), actors.WithSize(10_000))
	said := answer[workers](t, show(t, system), "/workers?pool=p&order=pool")
	assert.Equal(t, 10_000, said.Total)
	assert.Len(t, said.Workers, 200)
}

func TestALongTextToFindCostsNoMoreThanItsReading(t *testing.T) {
	timelimit.Set(t)
	system := pooltest.System()
	pooltest.Open(t, system.Root, nothing, actors.WithName("p"), actors.WithSize(10_000))
	d, long := show(t, system), "/workers?pool=p&find="+strings.Repeat("A", 900_000)
	start := time.Now()
	assert.Zero(t, answer[workers](t, d, long).Found)
	assert.Less(t, time.Since(start), 5*time.Second)
}
