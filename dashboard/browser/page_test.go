package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/troupetest"
)

// patience is how long a page may take to become as it should be.
const patience = 30 * time.Second

// page is a tab with a profile of its own. When its test ends, it must have had nothing
// to complain about, and have asked nobody but the server it came from.
type page struct {
	t      *testing.T
	tab    context.Context
	origin string

	mu       sync.Mutex
	troubles []string
	excused  []string // parts of troubles that are part of the test
}

// How a page is looked at.
type device struct {
	name          string
	width, height int64
	scheme        string // light or dark
	motion        string // what prefers-reduced-motion says; empty: no preference
}

var (
	desktop = device{name: "desktop", width: 1280, height: 900, scheme: "light"}
	phone   = device{name: "phone", width: 375, height: 700, scheme: "light"}
)

func (d device) in(scheme string) device {
	d.scheme = scheme
	return d
}

// visit opens an address.
func visit(t *testing.T, address string, on device) *page {
	t.Helper()
	troupetest.TimeLimit(t)
	if missing != nil {
		lack(t, missing.Error())
	}
	at, err := url.Parse(address)
	require.NoError(t, err)
	tab, closeTab := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
	p := &page{t: t, tab: tab, origin: at.Scheme + "://" + at.Host}
	t.Cleanup(func() {
		closeTab()
		assert.Empty(t, p.complaints())
	})
	require.NoError(t, chromedp.Listen(tab, p.listen))
	_, err = chromedp.Call(tab, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	// Else a tab behind others is hidden, and shows nothing new.
	_, err = chromedp.Call(tab, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	require.NoError(t, err)
	p.use(on)
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(address)))
	return p
}

// use has the page on another device.
func (p *page) use(d device) {
	p.t.Helper()
	require.NoError(p.t, chromedp.Do(p.tab, chromedp.EmulateViewport(d.width, d.height)))
	_, err := chromedp.Call(p.tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: d.scheme},
		{Name: "prefers-reduced-motion", Value: d.motion},
	}})
	require.NoError(p.t, err)
}

// listen is called in the order of events, and must not wait for the browser.
func (p *page) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		text, _ := json.Marshal(e.Args)
		p.complain("console: " + string(text))
	case *runtime.EventExceptionThrown:
		text, _ := json.Marshal(e.ExceptionDetails)
		p.complain("exception: " + string(text))
	case *log.EventEntryAdded:
		p.complain(fmt.Sprintf("log: %s (%s)", e.Entry.Text, e.Entry.URL))
	case *network.EventRequestWillBeSent:
		if e.Request.URL != "about:blank" && !strings.HasPrefix(e.Request.URL, p.origin+"/") {
			p.complain("request to elsewhere: " + e.Request.URL)
		}
	}
}

func (p *page) complain(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.troubles = append(p.troubles, text)
}

// excuse says that troubles which contain text are what the test is about.
func (p *page) excuse(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.excused = append(p.excused, text)
}

func (p *page) complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.troubles), func(trouble string) bool {
		return slices.ContainsFunc(p.excused, func(text string) bool { return strings.Contains(trouble, text) })
	})
}

// get evaluates an expression; of a promise, what it comes to.
func get[T any](p *page, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.tab, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(p.t, err, expression)
	return value
}

// eventually evaluates an expression until it is true in the sense of the page's language,
// and returns what it is then. If it does not become so, the failure has what the page
// says instead, and what else is asked for.
func eventually[T any](p *page, expression string, instead ...string) T {
	p.t.Helper()
	const wait = `new Promise((resolve) => {
		const end = performance.now() + %d;
		const look = () => {
			const is = %s;
			if (is || performance.now() > end) resolve(is || null);
			else setTimeout(look, 40);
		};
		look();
	})`
	found := get[*T](p, fmt.Sprintf(wait, (patience*9/10).Milliseconds(), expression))
	if found == nil {
		for _, other := range instead {
			p.t.Logf("instead: %s", get[string](p, other))
		}
		p.t.Fatalf("is never so: %s\nat %s\n%s\ncomplaints: %q", expression,
			get[string](p, "location.href"), get[string](p, "document.body.innerText"), p.complaints())
	}
	return *found
}

// until waits for an expression to be true in the page.
func (p *page) until(expression string) {
	p.t.Helper()
	eventually[bool](p, fmt.Sprintf("Boolean(%s)", expression))
}

// says waits until what a selector finds contains the texts.
func (p *page) says(selector string, texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		p.until(fmt.Sprintf(`%s.includes(%s)`, said(selector), quote(text)))
	}
}

// said is an expression: the text of all that a selector finds, where it is visible.
func said(selector string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(%s)].map((e) => e.innerText ?? e.textContent).join("\n")`, quote(selector))
}

// quote writes a text as an expression.
func quote(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

// turn follows the link to a page, and waits for its heading.
func (p *page) turn(name string) {
	p.t.Helper()
	p.click("nav a", name)
	p.until(fmt.Sprintf(`document.querySelector("nav a[aria-current]")?.innerText.startsWith(%s)`, quote(name)))
}

// open goes to an address within the page.
func (p *page) open(address, complete string) {
	p.t.Helper()
	get[bool](p, fmt.Sprintf(`location.hash = "#" + %s, true`, quote(address)))
	name, _, _ := strings.Cut(address, "?")
	p.until(fmt.Sprintf(`document.querySelector("nav a[aria-current]")?.hash.startsWith(%s) && %s`, quote("#"+name), complete))
}

// one is an expression: the element that a selector finds and that has the text, or
// contains it if it is a row.
func one(selector, text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(%s)].find((e) => e.innerText.trim().startsWith(%s) || (e.tagName === "TR" && e.innerText.includes(%s)))`,
		quote(selector), quote(text), quote(text))
}

// click clicks with the mouse on the element that a selector finds and that begins with
// the text.
func (p *page) click(selector, text string) {
	p.t.Helper()
	p.hit(one(selector, text))
}

// hit clicks with the mouse in the middle of the element that an expression gives, when
// it is there, rests, and nothing lies over it. Where the page moves after that, the click
// is kept from what lies there now, and the mouse follows, as a person's would.
func (p *page) hit(element string) {
	p.t.Helper()
	aim := fmt.Sprintf(`((e) => {
		if (!e || e.disabled) return null;
		e.scrollIntoView({ block: "center" });
		const { x, y, width, height } = e.getBoundingClientRect();
		const at = [x + width / 2, y + height / 2];
		const rests = String(at) === window.aimed;
		window.aimed = String(at);
		if (!rests || !e.contains(document.elementFromPoint(...at))) return null;
		window.landed = false;
		window.astray = "nowhere";
		const types = ["mousedown", "mouseup", "click"];
		const guard = (event) => {
			if (!e.contains(event.target)) {
				event.stopImmediatePropagation();
				event.preventDefault();
				window.astray = event.type + " on " + event.target.outerHTML.slice(0, 200);
			} else if (event.type === "click") window.landed = true;
		};
		for (const type of types) addEventListener(type, guard, true);
		window.unaim = () => types.forEach((type) => removeEventListener(type, guard, true));
		return at;
	})(%s)`, element)
	state := fmt.Sprintf(`((e) => {
		if (!e) return "it is not there";
		const { x, y, width, height } = e.getBoundingClientRect();
		const over = document.elementFromPoint(x + width / 2, y + height / 2);
		return JSON.stringify({ disabled: e.disabled, x, y, width, height, innerWidth, innerHeight, over: over?.outerHTML.slice(0, 200) });
	})(%s)`, element)
	for range 3 {
		at := eventually[[2]float64](p, aim, state)
		require.NoError(p.t, chromedp.Do(p.tab, chromedp.MouseClickXY(at[0], at[1])))
		if get[bool](p, "window.unaim(), window.landed") {
			return
		}
		p.t.Logf("a click at %v went astray: %s; now %s", at, get[string](p, "window.astray"), get[string](p, state))
	}
	p.t.Fatalf("no click lands on %s", element)
}

// press types on the keyboard, wherever the focus is.
func (p *page) press(keys string, options ...chromedp.KeyOption) {
	p.t.Helper()
	require.NoError(p.t, chromedp.Do(p.tab, chromedp.KeyEvent(keys, options...)))
}

// tabTo goes to an element with the Tab key alone, once that may have the focus. With the
// Shift key as an option, it goes backward.
func (p *page) tabTo(element string, options ...chromedp.KeyOption) {
	p.t.Helper()
	p.until(fmt.Sprintf("((e) => e?.checkVisibility() && !e.disabled)(%s)", element))
	for range 100 {
		if get[bool](p, fmt.Sprintf("document.activeElement === (%s)", element)) {
			return
		}
		p.press(kb.Tab, options...)
	}
	p.t.Fatalf("the Tab key does not lead to %s", element)
}

// fill writes into a field in place of what it has, as from the keyboard.
func (p *page) fill(selector, text string) {
	p.t.Helper()
	p.hit(fmt.Sprintf("document.querySelector(%s)", quote(selector)))
	p.overwrite(text)
}

// overwrite types in place of what the field with the focus has.
func (p *page) overwrite(text string) {
	p.t.Helper()
	p.press("a", chromedp.KeyModifiers(chromedp.ModifierCtrl))
	p.press(text)
}

// choose chooses from a select, as a person would.
func (p *page) choose(selector, value string) {
	p.t.Helper()
	p.until(fmt.Sprintf("[...document.querySelector(%s).options].some((o) => o.value === %s)", quote(selector), quote(value)))
	get[bool](p, fmt.Sprintf(`(() => {
		const s = document.querySelector(%s);
		s.value = %s;
		s.dispatchEvent(new Event("input", { bubbles: true }));
		s.dispatchEvent(new Event("change", { bubbles: true }));
		return true;
	})()`, quote(selector), quote(value)))
}
