package browser_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/dashboard"
)

func TestAPoolIsPausedAndResumedByMouse(t *testing.T) {
	s := play(t, dashboard.WithControls())
	kettles := s.open("kettles")
	p := visit(t, s.url, desktop)
	p.click("button", "Pause")
	p.says("#notice", "kettles: paused")
	assert.True(t, kettles.Stats().Paused)
	p.says("tbody", "paused")
	p.says(".alerts", "paused: queued tasks wait")
	p.click("button", "Resume")
	p.says("#notice", "kettles: resumed")
	assert.False(t, kettles.Stats().Paused)
	p.says("tbody", "well")
}

func TestAPoolIsPausedAndResumedByKeyboard(t *testing.T) {
	long(t)
	s := play(t, dashboard.WithControls())
	kettles := s.open("kettles")
	p := visit(t, s.url, desktop)
	p.tabTo(one("button", "Pause"))
	p.press(kb.Enter)
	p.says("#notice", "kettles: paused")
	assert.True(t, kettles.Stats().Paused)
	p.until(`document.activeElement.innerText === "Resume"`) // the focus stays
	p.press(" ")
	p.says("#notice", "kettles: resumed")
	assert.False(t, kettles.Stats().Paused)
}

// What moves under the mouse is missed.
func TestTheHeaderRestsWhileAPoolIsPaused(t *testing.T) {
	for _, on := range []device{desktop, phone} {
		t.Run(on.name, func(t *testing.T) {
			s := play(t, dashboard.WithControls())
			s.open("cups") // a selector with one pool is disabled
			kettles := s.open("__proto__")
			p := visit(t, s.url+"#workers?pool=__proto__", on)
			p.says("#pool", "__proto__")
			const at = `(() => { const r = document.querySelector("main").getBoundingClientRect(); return [r.y, document.getElementById("pool").offsetWidth]; })()`
			before := get[[2]float64](p, at)
			kettles.Pause()
			p.says("#pool", "__proto__ (paused)")
			assert.Equal(t, before, get[[2]float64](p, at))
		})
	}
}

func TestAPoolIsResizedByMouse(t *testing.T) {
	s := play(t, dashboard.WithControls())
	kettles := s.open("kettles", actors.WithSize(2))
	p := visit(t, s.url, desktop)
	p.until(`document.getElementById("size").value === "2"`)
	p.fill("#size", "5")
	p.click("button", "Resize")
	p.says("#notice", "kettles: 5 workers")
	assert.Equal(t, 5, kettles.Stats().Size)
	p.says("tbody", "0 of 5")
}

func TestAPoolIsResizedByKeyboard(t *testing.T) {
	long(t)
	s := play(t, dashboard.WithControls())
	kettles := s.open("kettles", actors.WithSize(2))
	p := visit(t, s.url, desktop)
	p.tabTo(`document.getElementById("size")`)
	p.overwrite("7")
	p.press(kb.Enter)
	p.says("#notice", "kettles: 7 workers")
	assert.Equal(t, 7, kettles.Stats().Size)
}

func TestWhatIsTypedIsNotOverwritten(t *testing.T) {
	long(t)
	s := play(t, dashboard.WithControls())
	kettles := s.open("kettles", actors.WithSize(2))
	p := visit(t, s.url, desktop)
	p.until(`document.getElementById("size").value === "2"`)
	p.fill("#size", kb.Backspace)
	// Frames come while somebody thinks about a number.
	submitted := func() {
		s.tell(kettles, "tea", "do", "")
		p.until(`(` + said(".ledger") + `).startsWith("` + strconv.FormatInt(kettles.Stats().Submitted, 10) + ` submitted")`)
	}
	submitted()
	submitted()
	p.until(`document.getElementById("size").value === ""`)
	p.press("6" + kb.Enter)
	p.says("#notice", "kettles: 6 workers")
	assert.Equal(t, 6, kettles.Stats().Size)
}

func TestTheSizeFollowsThePool(t *testing.T) {
	long(t)
	s := play(t, dashboard.WithControls())
	kettles := s.open("kettles", actors.WithSize(2))
	p := visit(t, s.url, desktop)
	p.until(`document.getElementById("size").value === "2"`)
	require.NoError(t, kettles.Resize(t.Context(), 9)) // by somebody else
	p.until(`document.getElementById("size").value === "9"`)
}

func TestWithoutControlsThereAreNone(t *testing.T) {
	s := play(t)
	kettles := s.open("kettles", crashes())
	s.tell(kettles, "hot-tea", "panic", "hot")
	p := visit(t, s.url, desktop)
	p.says("tbody", "kettles")
	p.until(`document.querySelectorAll(".plot").length === 6`)
	none := `[...document.querySelectorAll("button")].every((b) => !b.checkVisibility())`
	p.until(none)
	p.turn("Quarantine")
	p.says("tbody", "hot-tea")
	p.until(none)
	p.until(`[...document.querySelectorAll("main input")].every((i) => !i.checkVisibility())`)
}

func TestAnOrderThatFailsIsSaid(t *testing.T) {
	long(t)
	s := play(t, dashboard.WithControls())
	s.open("kettles")
	p := visit(t, s.url, desktop)
	p.excuse("409 (Conflict)")
	p.until(`document.getElementById("size").value !== ""`)
	// The form asks for a whole number, so the server need not be asked.
	p.fill("#size", "1.5"+kb.Enter)
	p.until(`document.querySelector("#size:invalid") && document.getElementById("notice").innerText === ""`)
	get[bool](p, `document.querySelector(".controls form").noValidate = true`)
	p.fill("#size", "0"+kb.Enter)
	p.says("#notice", "That did not work:")
}

func TestQuarantinedTasksAreSubmittedAgain(t *testing.T) {
	s, kettles := quarantine(t, "hot-1", "hot-2", "hot-3")
	p := visit(t, s.url, desktop)
	p.turn("Quarantine")
	p.until(`document.querySelectorAll("tbody tr").length === 3`)
	p.until(one("button", "Requeue") + `.disabled`) // nothing is chosen
	before := kettles.Stats().Submitted
	p.hit(`document.querySelector('[aria-label="task hot-1"]')`)
	p.hit(`document.querySelector('[aria-label="task hot-3"]')`)
	p.click("button", "Requeue")
	p.says("#notice", "2 submitted again")
	assert.Equal(t, before+2, kettles.Stats().Submitted)
	// They crash again, and are quarantined again.
	p.until(`document.querySelectorAll("tbody tr").length === 3 && !document.querySelector("tbody input:checked")`)
}

func TestQuarantinedTasksAreDeleted(t *testing.T) {
	long(t)
	s, kettles := quarantine(t, "hot-1", "hot-2", "hot-3")
	p := visit(t, s.url, desktop)
	p.turn("Quarantine")
	p.tabTo(`document.querySelector('[aria-label="task hot-2"]')`)
	p.press(" ")
	p.click("button", "Delete")
	assert.Len(t, kettles.Quarantine(), 3, "not before the user is sure")
	p.click("button", "Delete 1 for good")
	p.says("#notice", "1 deleted")
	p.until(`document.querySelectorAll("tbody tr").length === 2`)
	p.until(`!(` + said("tbody") + `).includes("hot-2")`)
	p.says("nav", "Quarantine (2)")
	assert.Equal(t, 2, kettles.Stats().InQuarantine)
	assert.Len(t, kettles.Quarantine(), 2)
}

// quarantine is a scene with tasks in quarantine.
func quarantine(t *testing.T, ids ...string) (*scene, *pool) {
	t.Helper()
	s := play(t, dashboard.WithControls())
	kettles := s.open("kettles", crashes())
	for i, id := range ids { // one after the other, so that their numbers are in this order
		s.tell(kettles, id, "panic", "the kettle bursts")
		require.Eventually(t, func() bool { return len(kettles.Quarantine()) == i+1 }, patience, 5*time.Millisecond)
	}
	return s, kettles
}
