package dashboard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/dashboard"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

type letters struct {
	More    bool
	Letters []struct {
		Number, ID, Key, Payload, Reason, Outcome, Error, Stack, Node string
		Priority, Attempts                                            int
		At                                                            int64
	}
}

// numbered returns as many dead letters as asked for, and notes after which number.
func numbered(asked *uint64, there int) func(context.Context, uint64, int) ([]messages.DeadLetter, error) {
	return func(_ context.Context, after uint64, limit int) ([]messages.DeadLetter, error) {
		*asked = after
		list := make([]messages.DeadLetter, min(limit, there))
		for i := range list {
			list[i].Number = after + 1 + uint64(i)
		}
		return list, nil
	}
}

func TestDeadLettersAreShown(t *testing.T) {
	died := time.UnixMilli(1_700_000_000_000)
	d := show(t, pooltest.System(), dashboard.WithDurable(&fake{letters: func(context.Context, uint64, int) ([]messages.DeadLetter, error) {
		return []messages.DeadLetter{{
			Number: 1<<64 - 1, ID: "<b>", Key: "k\xff", Priority: 3, Payload: []byte("secret"), Headers: map[string]string{"token": "secret"},
			Reason: messages.DeadAttempts, Outcome: messages.Panicked, Err: strings.Repeat("e", 1<<20), Stack: strings.Repeat("s", 1<<20),
			Attempts: 4, Node: strings.Repeat("n", 1<<20), Died: died,
		}}, nil
	}}))
	w := get(d, "/letters?queue=q")
	assert.NotContains(t, w.Body.String(), "<b>", "not even a careless page would take it for markup")
	assert.NotContains(t, w.Body.String(), "secret")
	assert.Less(t, w.Body.Len(), 40<<10)
	said := answer[letters](t, d, "/letters?queue=q")
	assert.False(t, said.More)
	l := said.Letters[0]
	assert.Equal(t, "18446744073709551615", l.Number)
	assert.Equal(t, []string{"<b>", "k\ufffd", "attempts", "panicked"}, []string{l.ID, l.Key, l.Reason, l.Outcome})
	assert.Equal(t, []int{3, 4}, []int{l.Priority, l.Attempts})
	assert.Equal(t, died.UnixMilli(), l.At)
	assert.True(t, strings.HasPrefix(l.Error, "eee") && strings.HasPrefix(l.Stack, "sss"))
}

func TestDeadLettersComeByPages(t *testing.T) {
	var asked uint64
	f := &fake{letters: numbered(&asked, 1000)}
	d := show(t, pooltest.System(), dashboard.WithDurable(f))
	said := answer[letters](t, d, "/letters?queue=q")
	assert.True(t, said.More)
	require.Len(t, said.Letters, 50)
	said = answer[letters](t, d, "/letters?queue=q&after="+said.Letters[49].Number)
	assert.Equal(t, uint64(50), asked)
	assert.Equal(t, "51", said.Letters[0].Number)
	answer[letters](t, d, "/letters?queue=q&after=18446744073709551615")
	assert.Equal(t, uint64(1<<64-1), asked)
	f.letters = numbered(&asked, 50)
	assert.False(t, answer[letters](t, d, "/letters?queue=q").More)
	f.letters = numbered(&asked, 0)
	assert.JSONEq(t, `{"letters":[],"more":false}`, get(d, "/letters?queue=q&after=").Body.String())
	assertRefused(t, get(d, "/letters?queue=q&after=-1"), http.StatusBadRequest, "invalid syntax")
	assertRefused(t, get(d, "/letters?queue=other"), http.StatusNotFound, "no such durable queue")
	f.letters = func(context.Context, uint64, int) ([]messages.DeadLetter, error) { return nil, errStore }
	assertRefused(t, get(d, "/letters?queue=q"), http.StatusServiceUnavailable, errStore.Error())
	f.letters = func(context.Context, uint64, int) ([]messages.DeadLetter, error) { panic("no store") }
	assertRefused(t, get(d, "/letters?queue=q"), http.StatusServiceUnavailable, "its method panicked: no store")
}

func TestPayloadsOfDeadLettersAreShownOnlyThroughAFormatter(t *testing.T) {
	f := &fake{letters: func(context.Context, uint64, int) ([]messages.DeadLetter, error) {
		return []messages.DeadLetter{{Payload: []byte(`{"n":1}`)}}, nil
	}}
	for want, format := range map[string]func(any) string{
		`{"n":1}`:              func(p any) string { return fmt.Sprint(p) },
		`{"n`:                  func(p any) string { return fmt.Sprintf("%.3v", p) },
		"7 bytes":              func(p any) string { return fmt.Sprintf("%d bytes", len(p.(dashboard.DurablePayload))) },
		"the formatter failed": func(p any) string { return p.(string) },
	} {
		d := show(t, pooltest.System(), dashboard.WithDurable(f), dashboard.WithPayload(format))
		assert.Equal(t, want, answer[letters](t, d, "/letters?queue=q").Letters[0].Payload)
	}
}

func TestAPayloadIsTextOrADumpOfItsBytes(t *testing.T) {
	long := strings.Repeat("ü", 4<<10)
	for in, want := range map[string]string{
		"":                        "",
		"tea\n\tfor 茶":            "tea\n\tfor 茶",
		long:                      long[:4<<10] + " …",
		"x" + long:                "x" + long[:4<<10-2] + " …",
		"\xff\x00tea":             "00000000  ff 00 74 65 61                                    |..tea|\n",
		"tea\x00":                 "00000000  74 65 61 00                                       |tea.|\n",
		strings.Repeat("e", 4096): strings.Repeat("e", 4096),
	} {
		assert.Equal(t, want, dashboard.DurablePayload(in).String())
	}
	assert.Contains(t, dashboard.DurablePayload("tea\xe8\x8c").String(), "|tea..|", "what the payload itself has cut is no text")
	assert.Less(t, len(dashboard.DurablePayload(make([]byte, 1<<20)).String()), 32<<10)
}

var lettersOrders = []string{"requeue-letters", "delete-letters"}

func TestDeadLettersAreNotTouchedUnlessTheDashboardWasMadeTo(t *testing.T) {
	d := show(t, pooltest.System(), dashboard.WithDurable(&fake{})) // would panic
	for _, what := range lettersOrders {
		assertRefused(t, post(d, what, `{"queue":"q","numbers":["1"]}`), http.StatusForbidden, "read-only")
	}
}

func TestForeignAndMalformedOrdersForDeadLettersAreRefused(t *testing.T) {
	d := show(t, pooltest.System(), dashboard.WithControls(), dashboard.WithDurable(&fake{})) // would panic
	for name, test := range map[string]struct {
		body   string
		header []string
		status int
		text   string
	}{
		"another site":   {`{"queue":"q","numbers":["1"]}`, []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden, "cross-origin"},
		"another origin": {`{"queue":"q","numbers":["1"]}`, []string{"Origin", "http://evil.example"}, http.StatusForbidden, "cross-origin"},
		"plain text":     {`{"queue":"q","numbers":["1"]}`, []string{"Content-Type", "text/plain"}, http.StatusUnsupportedMediaType, "json"},
		"no numbers":     {`{"queue":"q"}`, nil, http.StatusBadRequest, "no dead letters"},
		"not a number":   {`{"queue":"q","numbers":["one"]}`, nil, http.StatusBadRequest, "invalid syntax"},
		"an exact one":   {`{"queue":"q","numbers":[1]}`, nil, http.StatusBadRequest, "number"},
		"too great":      {`{"queue":"q","numbers":["18446744073709551616"]}`, nil, http.StatusBadRequest, "out of range"},
		"of a pool":      {`{"pool":"q","numbers":["1"]}`, nil, http.StatusBadRequest, "pool"},
		"no such queue":  {`{"queue":"p","numbers":["1"]}`, nil, http.StatusNotFound, "no such durable queue"},
	} {
		for _, what := range lettersOrders {
			t.Log(name, what)
			assertRefused(t, post(d, what, test.body, test.header...), test.status, test.text)
			assert.Equal(t, http.StatusMethodNotAllowed, get(d, "/"+what).Code)
		}
	}
}

func TestDeadLettersAreRequeuedAndDeleted(t *testing.T) {
	var done []string
	f := &fake{}
	do := func(what string) func(context.Context, ...uint64) (int, error) {
		return func(_ context.Context, numbers ...uint64) (int, error) {
			done = append(done, fmt.Sprint(what, numbers))
			if numbers[0] == 404 {
				return 1, errStore
			}
			return len(numbers), nil
		}
	}
	f.requeue, f.remove = do("requeue"), do("delete")
	d := show(t, pooltest.System(), dashboard.WithControls(), dashboard.WithDurable(f))
	assert.JSONEq(t, `{"count":2}`, post(d, "requeue-letters", `{"queue":"q","numbers":["18446744073709551615","2"]}`).Body.String())
	assert.JSONEq(t, `{"count":1}`, post(d, "delete-letters", `{"queue":"q","numbers":["3"]}`).Body.String())
	assert.Equal(t, []string{"requeue[18446744073709551615 2]", "delete[3]"}, done)
	assertRefused(t, post(d, "requeue-letters", `{"queue":"q","numbers":["404"]}`), http.StatusConflict, "after 1 had been submitted again: "+errStore.Error())
	assertRefused(t, post(d, "delete-letters", `{"queue":"q","numbers":["404"]}`), http.StatusConflict, "after 1 had been deleted: "+errStore.Error())
	f.requeue = func(context.Context, ...uint64) (int, error) { panic("no store") }
	assertRefused(t, post(d, "requeue-letters", `{"queue":"q","numbers":["1"]}`), http.StatusConflict, "its method panicked: no store")
}

func TestFiguresAreAskedForSoonAfterTheyWereChanged(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		f := &fake{remove: func(context.Context, ...uint64) (int, error) { return 1, nil }}
		d := show(t, pooltest.System(), dashboard.WithControls(), dashboard.WithDurable(f))
		s := follow(t, d)
		defer s.end()
		for range 10 {
			_, _ = s.next(t)
			synctest.Wait()
			before := f.inspects.Load()
			post(d, "delete-letters", `{"queue":"q","numbers":["1"]}`)
			time.Sleep(time.Second)
			synctest.Wait()
			assert.Equal(t, before+1, f.inspects.Load())
		}
	})
}

func TestARequestDoesNotWaitForAQueueThatDoesNotReturn(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		f := &fake{letters: func(context.Context, uint64, int) ([]messages.DeadLetter, error) {
			<-release
			return nil, nil
		}}
		f.requeue = func(context.Context, ...uint64) (int, error) { <-release; return 1, nil }
		d := show(t, pooltest.System(), dashboard.WithControls(), dashboard.WithDurable(f))
		start := time.Now()
		assertRefused(t, post(d, "requeue-letters", `{"queue":"q","numbers":["1"]}`), http.StatusConflict, "may be done yet")
		assert.Equal(t, 11*time.Second, time.Since(start))
		start = time.Now()
		assertRefused(t, get(d, "/letters?queue=q"), http.StatusServiceUnavailable, "it does not answer")
		assert.Equal(t, 9*time.Second, time.Since(start))
		var readers sync.WaitGroup
		for range 2 {
			readers.Go(func() { get(d, "/letters?queue=q") })
		}
		synctest.Wait()
		assertRefused(t, get(d, "/letters?queue=q"), http.StatusServiceUnavailable, "other requests wait")
		close(release)
		readers.Wait()
		synctest.Wait()
		assert.Empty(t, answer[letters](t, d, "/letters?queue=q").Letters)
	})
}

func TestAQueueThatMindsItsContextIsLeftInTime(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		f := &fake{
			requeue: func(ctx context.Context, _ ...uint64) (int, error) { <-ctx.Done(); return 2, ctx.Err() },
			letters: func(ctx context.Context, _ uint64, _ int) ([]messages.DeadLetter, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			},
		}
		d := show(t, pooltest.System(), dashboard.WithControls(), dashboard.WithDurable(f))
		assertRefused(t, post(d, "requeue-letters", `{"queue":"q","numbers":["1"]}`), http.StatusConflict, "after 2 had been submitted again: context deadline exceeded")
		ctx, gone := context.WithTimeout(t.Context(), time.Second)
		defer gone()
		start := time.Now()
		d.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/letters?queue=q", nil).WithContext(ctx))
		assert.Equal(t, time.Second, time.Since(start), "nobody waits for the answer")
	})
}

func TestAnErrorOfAQueueWhoseTextCannotBeHadIsSurvived(t *testing.T) {
	f := &fake{remove: func(context.Context, ...uint64) (int, error) { return 0, errors.Join(ending{}) }}
	d := show(t, pooltest.System(), dashboard.WithControls(), dashboard.WithDurable(f))
	w := post(d, "delete-letters", `{"queue":"q","numbers":["1"]}`)
	assertRefused(t, w, http.StatusConflict, "cannot be read")
	assert.True(t, json.Valid(w.Body.Bytes()))
}
