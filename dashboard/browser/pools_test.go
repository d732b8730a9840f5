package browser_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/dashboard"
)

func TestThePoolIsChosenByTheSelector(t *testing.T) {
	s := play(t)
	kettles, cups := s.open("kettles"), s.open("cups")
	s.tell(kettles, "k-1", "do", "")
	s.tell(cups, "c-1", "do", "")
	p := visit(t, s.url, desktop)
	p.says(".verdict", "All 2 pools are well")
	p.says("main h2", "kettles")
	p.choose("#pool", "cups")
	p.says("main h2", "cups")
	p.until(`location.hash.includes("pool=cups")`)
	p.turn("Tasks") // of the same pool
	p.says("tbody", "c-1")
	p.until(`document.querySelectorAll("tbody tr").length === 1`)
	p.choose("#pool", "kettles")
	p.says("tbody", "k-1")
	get[bool](p, "history.back(), true")
	p.says("tbody", "c-1")
}

func TestAPoolThatStopsIsShownAsStopped(t *testing.T) {
	s := play(t, dashboard.WithControls())
	s.open("cups")
	kettles := s.open("kettles")
	s.tell(kettles, "k-1", "do", "")
	p := visit(t, s.url+"#overview?pool=kettles", desktop)
	p.says("main h2", "kettles")
	p.until(one("button", "Pause") + `?.checkVisibility()`)
	kettles.Close()
	<-kettles.Done()
	p.says("tbody", "stopped")
	p.says(".alerts", "kettles: stopped")
	p.says("#pool option", "kettles (stopped)")
	p.until(`!document.querySelector(".controls").checkVisibility()`)
	p.turn("Tasks") // what became of them is kept
	p.says("tbody", "k-1")
}

func TestAServerThatComesBackIsFoundAgain(t *testing.T) {
	long(t)
	t.Parallel()
	s := newScene(t)
	kettles := s.open("kettles")
	// The port is kept, or another test might be given it meanwhile: a server that is down
	// ends connections without an answer.
	var handler atomic.Value
	become := func(h http.HandlerFunc) { handler.Store(h) }
	become(s.view.ServeHTTP)
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.Load().(http.HandlerFunc)(w, r)
	}))
	fall := func(answer http.HandlerFunc) {
		become(answer)
		server.CloseClientConnections()
	}

	p := visit(t, server.URL+"/", desktop)
	p.excuse("ERR_INCOMPLETE_CHUNKED_ENCODING")
	p.excuse("ERR_EMPTY_RESPONSE")
	p.excuse("ERR_CONNECTION_RESET")
	p.excuse("ERR_SOCKET_NOT_CONNECTED") // of a connection that was kept, and cut as it was used again
	p.excuse("503 (Service Unavailable)")
	p.until(`document.getElementById("live").innerText === "live"`)
	p.until(`document.querySelectorAll(".plot").length === 6`)

	fall(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	p.until(`document.getElementById("live").innerText.startsWith("no connection")`)
	s.tell(kettles, "k-1", "do", "")
	become(s.view.ServeHTTP)
	p.until(`document.getElementById("live").innerText === "live"`)
	p.says(".ledger", "1 submitted")

	// In between, a proxy may say that the server is not there.
	asked := make(chan struct{}, 100)
	fall(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "not yet", http.StatusServiceUnavailable)
		select {
		case asked <- struct{}{}:
		default:
		}
	})
	p.until(`document.getElementById("live").innerText.startsWith("no connection")`)
	<-asked
	s.tell(kettles, "k-2", "do", "")
	become(s.view.ServeHTTP)
	p.until(`document.getElementById("live").innerText === "live"`)
	p.says(".ledger", "2 submitted")
}

func TestADashboardThatIsClosedIsNotLive(t *testing.T) {
	long(t)
	s := play(t)
	s.open("kettles")
	p := visit(t, s.url, desktop)
	p.excuse("503 (Service Unavailable)")
	p.until(`document.getElementById("live").innerText === "live"`)
	s.view.Close()
	p.until(`document.getElementById("live").innerText.startsWith("no connection")`)
}

func TestItWorksUnderAnyPrefix(t *testing.T) {
	for name, mount := range map[string]func(http.Handler) (http.Handler, string){
		"root": func(h http.Handler) (http.Handler, string) { return h, "/" },
		"deep": func(h http.Handler) (http.Handler, string) {
			mux := http.NewServeMux()
			mux.Handle("/admin/of/pools/", h)
			return mux, "/admin/of/pools/"
		},
		"stripped": func(h http.Handler) (http.Handler, string) {
			mux := http.NewServeMux()
			mux.Handle("/pools/", http.StripPrefix("/pools", h))
			return mux, "/pools/"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, dashboard.WithControls())
			kettles := s.open("kettles")
			s.tell(kettles, "k-1", "fail", "cold")
			handler, at := mount(s.view)
			p := visit(t, serve(t, handler).URL+at, desktop)
			p.until(`document.getElementById("live").innerText === "live"`)
			p.until(`document.querySelectorAll(".plot").length === 6`)
			p.click("button", "Pause")
			p.says("#notice", "kettles: paused")
			p.turn("Tasks")
			p.says("tbody", "k-1")
			p.turn("Workers")
			p.says("tbody", "idle")
		})
	}
}

func TestItWorksAtAnAddressWithAPassword(t *testing.T) {
	long(t)
	s := play(t, dashboard.WithControls())
	kettles := s.open("kettles", actors.WithSize(3))
	p := visit(t, strings.Replace(s.url, "://", "://operator:secret@", 1), desktop)
	p.excuse(strings.Replace(s.url, "://", "://operator:secret@", 1)) // not elsewhere
	p.says("tbody", "kettles")
	p.until(`/Workers: busy 0, all 3/.test([...document.querySelectorAll(".plot")][3]?.ariaLabel)`)
	p.click("button", "Pause")
	p.says("#notice", "kettles: paused")
	assert.True(t, kettles.Stats().Paused)
	p.turn("Workers")
	p.until(`document.querySelectorAll("tbody tr").length === 3`)
}

func TestThePoolThatIsWorstOffIsShownFirst(t *testing.T) {
	s := play(t)
	s.open("kettles")
	pans := s.open("pans", actors.WithQueue(0, actors.Reject), actors.WithSize(1))
	pans.Pause()
	for range 5 {
		assert.Error(t, pans.Tell(t.Context(), job{}))
	}
	s.until(`"level":"trouble"`)
	p := visit(t, s.url, desktop)
	p.says(".verdict", "1 of 2 pools needs a look: pans")
	p.says("main h2", "pans")
}
