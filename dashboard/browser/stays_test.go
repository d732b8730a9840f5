package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/dashboard"
)

// Numbers of quarantined tasks are the same in every pool.
func TestWhatIsChosenInAPoolIsNotChosenInAnother(t *testing.T) {
	long(t)
	s := play(t, dashboard.WithControls())
	for _, name := range []string{"cups", "kettles"} {
		pool := s.open(name, crashes())
		s.tell(pool, "hot-"+name, "panic", "it bursts")
		require.Eventually(t, func() bool { return len(pool.Quarantine()) == 1 }, patience, 5*time.Millisecond)
	}
	p := visit(t, s.url+"#quarantine?pool=cups", desktop)
	p.hit(`document.querySelector('[aria-label="task hot-cups"]')`)
	p.click("button", "Delete")
	p.says("button", "Delete 1 for good")
	p.choose("#pool", "kettles")
	p.says("tbody", "hot-kettles")
	p.until(`!document.querySelector("tbody input:checked") && ` + one("button", "Delete") + `.disabled`)
	p.until(one("button", "Delete") + `.innerText === "Delete"`)
}

func TestAPoolThatIsNotThereIsNotMistakenForAnother(t *testing.T) {
	long(t)
	s := play(t, dashboard.WithControls())
	s.open("cups")
	p := visit(t, s.url+"#overview?pool=kettles", desktop)
	p.says("tbody", "cups")
	p.until(`!` + one("button", "Pause") + `?.checkVisibility()`)
	s.open("kettles")
	p.says("main h2", "kettles")
}

func TestTheSelectorKeepsTheFocus(t *testing.T) {
	long(t)
	s := play(t)
	for _, name := range []string{"cups", "kettles", "pots"} {
		s.open(name)
	}
	p := visit(t, s.url, desktop)
	p.says("main h2", "cups")
	p.until(`document.querySelectorAll("#pool option").length === 3`)
	get[bool](p, `document.getElementById("pool").focus(), true`)
	for _, name := range []string{"kettles", "pots"} {
		p.choose("#pool", name)
		p.says("main h2", name)
		p.until(`document.activeElement.id === "pool"`)
	}
	p.press(kb.Tab)
	p.until(`document.activeElement.id === "theme"`)
}

// The connection stays, but nothing comes any more.
func TestASilentConnectionIsNotLive(t *testing.T) {
	long(t)
	t.Parallel()
	s := newScene(t)
	s.open("kettles")
	var silent atomic.Bool
	p := visit(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/events" {
			w = &muted{w, &silent}
		}
		s.view.ServeHTTP(w, r)
	})).URL+"/", desktop)
	p.until(`document.getElementById("live").innerText === "live"`)
	silent.Store(true)
	p.until(`document.getElementById("live").innerText.startsWith("no connection")`)
	silent.Store(false)
	p.until(`document.getElementById("live").innerText === "live"`)
}

// muted is a ResponseWriter that says nothing while it is silent.
type muted struct {
	http.ResponseWriter
	silent *atomic.Bool
}

func (m *muted) Unwrap() http.ResponseWriter { return m.ResponseWriter }

func (m *muted) Write(b []byte) (int, error) {
	if m.silent.Load() {
		return len(b), nil
	}
	return m.ResponseWriter.Write(b)
}

func TestWhereNothingCanBeStreamedItIsLiveAllTheSame(t *testing.T) {
	long(t)
	t.Parallel()
	s := newScene(t)
	kettles := s.open("kettles")
	var asked atomic.Int64
	p := visit(t, serve(t, http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/events" {
			asked.Add(1)
		}
		s.view.ServeHTTP(w, r)
	}), patience, "")).URL+"/", desktop)
	p.until(`document.getElementById("live").innerText === "live"`)
	get[bool](p, `window.said = [], new MutationObserver(() => said.push(live.innerText)).observe(live, { childList: true, characterData: true, subtree: true }), true`)
	s.tell(kettles, "tea", "do", "")
	p.says(".ledger", "1 submitted")
	before := asked.Load()
	require.Eventually(t, func() bool { return asked.Load() > before+3 }, patience, 50*time.Millisecond)
	assert.Empty(t, get[[]string](p, "said"))
}

func TestAHiddenTabAsksForNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.open("kettles")
	var open atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/events" {
			open.Add(1)
			defer open.Add(-1)
		}
		s.view.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	p := visit(t, server.URL+"/", desktop)
	p.until(`document.getElementById("live").innerText === "live"`)
	hide := func(hidden bool) {
		get[bool](p, fmt.Sprintf(`Object.defineProperty(document, "hidden", { value: %t, configurable: true }), document.dispatchEvent(new Event("visibilitychange"))`, hidden))
	}
	hide(true)
	require.Eventually(t, func() bool { return open.Load() == 0 }, patience, 10*time.Millisecond)
	hide(false)
	require.Eventually(t, func() bool { return open.Load() == 1 }, patience, 10*time.Millisecond)
}

func TestRowsThatStayKeepTheFocusWhenOneBeforeThemGoes(t *testing.T) {
	long(t)
	s, kettles := quarantine(t, "hot-1", "hot-2", "hot-3")
	p := visit(t, s.url+"#quarantine?pool=kettles", desktop)
	p.tabTo(`document.querySelector('[aria-label="task hot-2"]')`)
	require.Equal(t, 1, kettles.DeleteQuarantined(3)) // by somebody else
	p.until(`document.querySelectorAll("tbody tr").length === 2`)
	p.until(`document.activeElement.ariaLabel === "task hot-2"`)
}

func TestChartsThatAreLeftAreGivenUp(t *testing.T) {
	long(t)
	s := play(t)
	s.open("kettles")
	p := visit(t, s.url, desktop)
	for range 3 {
		p.until(`uPlot.sync("troupe").plots.length === 6`)
		p.turn("Workers")
		p.until(`uPlot.sync("troupe").plots.length === 0`)
		p.turn("Overview")
	}
}

func TestAlertsThatAreNotShownAreCounted(t *testing.T) {
	long(t)
	s := play(t)
	for i := range 14 {
		s.open(fmt.Sprintf("kettles-%d", i)).Pause()
	}
	p := visit(t, s.url, desktop)
	p.until(`document.querySelectorAll(".alerts li").length === 12`)
	p.says(".alerts + p", "and 2 more")
}
