package browser_test

import (
	"fmt"
	"testing"

	"github.com/troupe-go/troupe/actors"
)

func TestThePageLoadsAndSaysLive(t *testing.T) {
	s := play(t)
	p := visit(t, s.url, desktop)
	p.until(`document.getElementById("live").innerText === "live"`)
	p.says(".verdict", "No pool yet")
	s.open("kettles")
	p.says(".verdict", "The pool is well")
	p.until(`document.title === "kettles: Overview · Troupe"`)
}

func TestFiguresAndChartsMoveAsTasksAreDone(t *testing.T) {
	s := play(t)
	kettles := s.open("kettles")
	p := visit(t, s.url, desktop)
	p.says("tbody", "kettles")
	s.keepBusy(kettles)
	tile := func(name string) string {
		return fmt.Sprintf(`parseFloat((%s)?.children[1].innerText)`, one(".tiles > div", name))
	}
	p.until(tile("Done a second") + " > 0")
	p.until(`/ms|µs/.test((` + one(".tiles > div", "Ran") + `).innerText)`)
	p.until(`(` + said(".ledger") + `).match(/(\d+) submitted = .*succeeded/)?.[1] > 20`)
	p.until(`[...document.querySelectorAll(".plot")].length === 6`)
	p.until(`/Throughput: done [1-9]/.test(document.querySelector(".plot").ariaLabel)`)
	// There is a line of the series' color in the chart.
	p.until(`(() => {
		const canvas = document.querySelector(".plot canvas");
		const [r, g, b] = getComputedStyle(document.querySelector(".key .series1"), "::before").backgroundColor.match(/\d+/g).map(Number);
		const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
		for (let i = 0; i < data.length; i += 4)
			if (Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 24 && data[i + 3] > 128) return true;
		return false;
	})()`)
}

func TestTheAlertOfAStuckTaskLeadsToItsWorker(t *testing.T) {
	long(t)
	s := play(t)
	kettles := s.open("Big Kettles", actors.WithSize(3))
	for i := range 500 { // enough to know that tasks take no time, even if the machine falters at some
		s.tell(kettles, fmt.Sprintf("quick-%d", i), "do", "")
	}
	s.tell(kettles, "stuck-1", "block", "")
	p := visit(t, s.url, desktop)
	p.says(".verdict", "The pool needs a look")
	p.says(".alerts", "has been on task stuck-1 for")
	p.click(".alerts a", "Big Kettles")
	p.until(`location.hash.startsWith("#workers?")`)
	p.until(`document.querySelectorAll("tbody tr").length === 1`)
	p.says("tbody tr", "stuck-1", "busy, for too long")
	p.says(".found", "1 of 3")
}

func TestTheWorkersPageShowsWhoHasATaskInHand(t *testing.T) {
	s := play(t)
	kettles := s.open("kettles", actors.WithSize(4))
	s.tell(kettles, "stuck-1", "block", "")
	p := visit(t, s.url, desktop)
	p.turn("Workers")
	p.until(`document.querySelectorAll("tbody tr").length === 4`)
	p.says("tbody tr:first-child", "busy", "stuck-1") // first is who wants a look
	p.until(`/\d s/.test((` + one("tbody tr", "stuck-1") + `).innerText)`)
	p.until(`[...document.querySelectorAll("tbody tr")].filter((tr) => tr.innerText.includes("idle")).length === 3`)
	p.fill("#filter-find", "busy")
	p.until(`document.querySelectorAll("tbody tr").length === 1`)
	p.fill("#filter-find", "no such worker")
	p.says("main", "No worker matches.")
}
