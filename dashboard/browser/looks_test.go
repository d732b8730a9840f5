package browser_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/dashboard"
)

// axeEnv names the file axe.min.js.
const axeEnv = "TROUPE_AXE"

// looks are the pages by their addresses, each with what it has when it is complete.
var looks = []struct{ address, complete string }{
	{"overview", `document.querySelectorAll(".plot").length === 6 && document.querySelectorAll(".alerts li").length > 2`},
	{"workers", `document.querySelectorAll("tbody tr").length === 4`},
	{"tasks?outcome=wrong", `document.querySelectorAll("tbody tr").length > 2`},
	{"quarantine", `document.querySelectorAll("tbody tr").length === 2`},
	{"workers?find=nobody", `document.querySelector(".empty").checkVisibility()`},
	{"quarantine?pool=plain", `document.querySelector(".empty").checkVisibility()`},
	{"cluster?find=orders", rows("Dead letters") + `.length === 5`},
	{"cluster?find=down", `document.querySelector(".news.verdict").checkVisibility()`},
	{"cluster?find=empty", `(` + said(".empty") + `).includes("No dead letter")`},
}

// lively is a scene with something of everything to see, paused tasks included.
func lively(t *testing.T) *scene {
	t.Helper()
	down := &durable{name: "down", err: errStore}
	s := play(t, dashboard.WithControls(), dashboard.WithPayload(payload), dashboard.WithDurable(brew("orders"), down, &durable{name: "empty"}))
	kettles := s.open("kettles", actors.WithSize(4), crashes())
	s.keepBusy(kettles)
	for i := range 30 {
		s.tell(kettles, fmt.Sprintf("cold-%d", i), "trace", "the kettle is cold")
	}
	s.tell(kettles, "hot-1", "panic", "the kettle bursts")
	s.tell(kettles, "hot-2", "panic", strings.Repeat("and bursts again ", 30))
	s.tell(kettles, "stuck-1", "block", "")
	s.open("plain").Pause()
	return s
}

// fits waits until nothing is wider than the window.
func (p *page) fits() {
	p.t.Helper()
	p.until(`document.documentElement.scrollWidth <= innerWidth`)
}

// unfold opens the first row that can be.
func (p *page) unfold() {
	p.t.Helper()
	if get[bool](p, `Boolean(document.querySelector("summary"))`) {
		p.hit(`document.querySelector("summary")`)
		p.until(`document.querySelector("details[open] pre")`)
	}
}

// eachLook opens each page on each device, light and dark.
func eachLook(t *testing.T, look func(t *testing.T, p *page)) {
	s := lively(t)
	for _, on := range []device{desktop, phone} {
		for _, scheme := range []string{"light", "dark"} {
			if !full() && (on == desktop) != (scheme == "light") {
				continue
			}
			t.Run(on.name+" "+scheme, func(t *testing.T) {
				t.Parallel()
				p := visit(t, s.url, on.in(scheme))
				for _, l := range looks {
					p.open(l.address, l.complete)
					p.unfold()
					look(t, p)
				}
			})
		}
	}
}

func TestNoPageIsWiderThanItsWindow(t *testing.T) {
	eachLook(t, func(t *testing.T, p *page) { p.fits() })
}

func TestAxeFindsNoFault(t *testing.T) {
	file := os.Getenv(axeEnv)
	if file == "" {
		lack(t, axeEnv+" does not say where axe.min.js is")
	}
	axe, err := os.ReadFile(file)
	require.NoError(t, err)
	eachLook(t, func(t *testing.T, p *page) {
		if !get[bool](p, `Boolean(window.axe)`) {
			require.NoError(t, chromedp.Do(p.tab, chromedp.Evaluate[chromedp.Void](string(axe))))
		}
		found := get[[]json.RawMessage](p, `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
			violations.map(({ id, impact, nodes }) => ({ id, impact, at: nodes.map((n) => [n.target.join(" "), n.failureSummary]) })))`)
		for _, fault := range found {
			t.Errorf("%s: %s", get[string](p, "location.hash"), fault)
		}
	})
}

func TestColorsFollowTheSystemUnlessOneIsChosen(t *testing.T) {
	long(t)
	s := play(t)
	s.open("kettles")
	p := visit(t, s.url, desktop.in("light"))
	p.until(`document.querySelectorAll(".plot").length === 6`)
	ground := `getComputedStyle(document.body).backgroundColor`
	ink := `getComputedStyle(document.body).color`
	light := get[string](p, ground)
	p.use(desktop.in("dark"))
	p.until(fmt.Sprintf("%s !== %s", ground, quote(light)))
	dark := get[string](p, ground)
	assert.NotEqual(t, get[string](p, ink), light)
	p.choose("#theme", "light")
	p.until(fmt.Sprintf("%s === %s", ground, quote(light)))
	require.NoError(t, chromedp.Do(p.tab, chromedp.Reload()))
	p.until(fmt.Sprintf("%s === %s", ground, quote(light))) // it is remembered
	p.choose("#theme", "dark")
	p.use(desktop.in("light"))
	p.until(fmt.Sprintf("%s === %s", ground, quote(dark)))
	p.until(`document.querySelectorAll(".plot").length === 6`)
}

func TestWhoWantsLittleMotionGetsNone(t *testing.T) {
	long(t)
	s := play(t)
	s.open("kettles")
	on := desktop
	on.motion = "reduce"
	p := visit(t, s.url, on)
	p.until(`document.querySelectorAll(".plot").length === 6`)
	p.until(`[...document.querySelectorAll("*")].every((e) => {
		const style = getComputedStyle(e);
		return style.transitionDuration === "0s" && style.animationName === "none";
	})`)
}

func TestTheSkipLinkLeadsPastTheNavigation(t *testing.T) {
	long(t)
	s := play(t)
	s.open("kettles")
	p := visit(t, s.url, desktop)
	p.until(`document.querySelectorAll(".plot").length === 6`)
	p.tabTo(`document.querySelector(".skip")`)
	p.press("\r")
	p.until(`document.activeElement === document.getElementById("main")`)
	p.until(`document.querySelectorAll(".plot").length === 6`)
}
