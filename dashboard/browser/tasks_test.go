package browser_test

import (
	"testing"

	"github.com/troupe-go/troupe/dashboard"
)

func TestATaskThatFailsIsFoundByItsIDWithErrorAndStack(t *testing.T) {
	long(t)
	s := play(t)
	kettles := s.open("kettles")
	s.keepBusy(kettles)
	s.tell(kettles, "cold-tea", "trace", "the kettle is cold")
	p := visit(t, s.url, desktop)
	p.turn("Tasks")
	p.fill("#filter-find", "cold-tea")
	p.until(`document.querySelectorAll("tbody tr").length === 1`)
	p.says("tbody tr", "cold-tea", "failed", "the kettle is cold")
	p.click("summary", "the kettle is cold")
	p.says("details[open] pre", "kettle.go:42")
	p.fill("#filter-find", "no such task")
	p.says("main", "No task matches.")
}

func TestATaskThatPanicsIsFoundByItsIDWithErrorAndStack(t *testing.T) {
	s := play(t)
	kettles := s.open("kettles")
	s.keepBusy(kettles)
	s.tell(kettles, "hot-tea", "panic", "the kettle bursts")
	p := visit(t, s.url, desktop)
	p.turn("Tasks")
	p.fill("#filter-find", "hot-tea")
	p.until(`document.querySelectorAll("tbody tr").length === 1`)
	p.says("tbody tr", "hot-tea", "panicked", "the kettle bursts")
	p.click("summary", "")
	p.says("details[open] pre", "scene_test.go", "(*scene).open")
	// What is open stays open as new figures come.
	kept := get[string](p, `document.querySelector("tbody").innerText`)
	s.tell(kettles, "hot-tea-2", "panic", "again")
	p.until(`document.querySelectorAll("tbody tr").length === 2`)
	p.says("details[open] pre", "scene_test.go")
	p.says("tbody", kept)
}

func TestTasksAreNarrowedByOutcome(t *testing.T) {
	s := play(t)
	kettles := s.open("kettles")
	s.tell(kettles, "fine-tea", "do", "")
	s.tell(kettles, "cold-tea", "fail", "cold")
	s.tell(kettles, "hot-tea", "panic", "hot")
	p := visit(t, s.url, desktop)
	p.turn("Tasks")
	p.until(`document.querySelectorAll("tbody tr").length === 3`)
	p.choose("#filter-outcome", "wrong")
	p.until(`document.querySelectorAll("tbody tr").length === 2`)
	p.choose("#filter-outcome", "panicked")
	p.until(`document.querySelectorAll("tbody tr").length === 1`)
	p.says("tbody", "hot-tea")
}

func TestPayloadsAreShownAsTheFormatterPutsThem(t *testing.T) {
	s := play(t, dashboard.WithPayload(payload))
	kettles := s.open("kettles", crashes())
	s.tell(kettles, "markup", "fail", "<script>document.title = 'owned'</script><b>bold</b>")
	s.tell(kettles, "crash", "panic", "<img src=x onerror=alert(1)>")
	p := visit(t, s.url, desktop)
	p.turn("Tasks")
	p.fill("#filter-find", "markup")
	p.click("summary", "<script>")
	p.says("details[open] pre", "note: <script>document.title = 'owned'</script><b>bold</b>")
	p.turn("Quarantine")
	p.says("tbody", "crash")
	p.click("summary", "")
	p.says("details[open] pre", "note: <img src=x onerror=alert(1)>")
	p.until(`!document.querySelector("main script, main b, main img")`)
}

func TestPayloadsAreNotShownUnlessAsked(t *testing.T) {
	s := play(t)
	kettles := s.open("kettles")
	p := visit(t, s.url, desktop)
	s.tell(kettles, "secret-tea", "do", "jasmine")
	p.turn("Tasks")
	p.says("tbody", "secret-tea")
	p.until(`!document.body.textContent.includes("jasmine")`)
}
