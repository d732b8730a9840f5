package browser_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/dashboard"
)

// letter is an expression: the box by which a dead letter is chosen.
func letter(id string) string {
	return fmt.Sprintf(`document.querySelector('[aria-label=%s]')`, quote("task "+id))
}

func TestDeadLettersAreReadWithErrorAndStack(t *testing.T) {
	q := brew("orders")
	s := play(t, dashboard.WithDurable(q))
	p := visit(t, s.url+"#cluster", desktop)
	p.until(rows("Dead letters") + `.length === 5`)
	p.says(`[aria-label="Dead letters"] tbody tr:first-child`, "order-12", "attempts: failed", "2026-07-14 09:30", "3", "kitchen-1", "the kettle is cold")
	p.says(`[aria-label="Dead letters"] tbody`, "lost", "payload")
	p.click("summary", "panic: the kettle bursts")
	p.says("details[open] pre", "kettle.go:42")
	p.until(`!document.body.textContent.includes("jasmine")`) // nobody has said how to show payloads
	p.until(`[...document.querySelectorAll("main input, main .controls button")].every((e) => !e.checkVisibility())`)
	var read int
	q.change(func() { read = q.read })
	assert.Equal(t, 1, read, "only when somebody asks")
}

func TestPayloadsOfDeadLettersAreShownAsTheFormatterPutsThem(t *testing.T) {
	long(t)
	s := play(t, dashboard.WithDurable(brew("orders")), dashboard.WithPayload(func(p any) string { return fmt.Sprint(p) }))
	p := visit(t, s.url+"#cluster", desktop)
	p.click("summary", "the kettle is cold")
	p.says("details[open] pre", `{"tea":"jasmine"}`)
	p.click("summary", "3 times")
	p.says("details[open] pre", "00 01 02 ff 74 65 61")
}

func TestDeadLettersComeByPages(t *testing.T) {
	long(t)
	q := &durable{name: "orders"}
	for i := range 120 {
		q.die(cold(fmt.Sprintf("order-%d", i)))
	}
	s := play(t, dashboard.WithDurable(q), dashboard.WithControls())
	p := visit(t, s.url+"#cluster", desktop)
	p.until(rows("Dead letters") + `.length === 50`)
	p.says(".found", "50 letters, and more follow")
	p.until(one("button", "Back") + `.disabled`)
	p.click("button", "Next")
	p.until(rows("Dead letters") + `[0].innerText.includes("order-50")`)
	p.click("button", "Next")
	p.until(rows("Dead letters") + `.length === 20`)
	p.until(one("button", "Next") + `.disabled`)
	p.click("button", "Choose all shown")
	p.click("button", "Requeue")
	p.says("#notice", "20 submitted again")
	p.until(rows("Dead letters") + `.length === 50`) // there is nothing after these any more
	p.says(`[aria-label="Dead letters"] tbody`, "order-99")
	p.until(one("button", "Next") + `.disabled`)
	p.click("button", "Back")
	p.until(rows("Dead letters") + `[0].innerText.includes("order-0")`)
	q.die(cold("order-late"))
	p.until(tile("Dead") + ` === "101"`)
	p.until(`!document.body.innerText.includes("order-late")`) // who reads is not disturbed
	p.click("button", "Next")
	p.until(rows("Dead letters") + `[0].innerText.includes("order-50")`)
	p.click("button", "Next")
	p.says(`[aria-label="Dead letters"] tbody`, "order-late")
	q.change(func() { assert.Equal(t, 8, q.read) })
}

func TestAnAnswerThatIsOvertakenIsNotShown(t *testing.T) {
	long(t)
	q := &durable{name: "orders"}
	for i := range 60 {
		q.die(cold(fmt.Sprintf("order-%d", i)))
	}
	s := play(t, dashboard.WithDurable(q))
	p := visit(t, s.url+"#cluster", desktop)
	p.until(rows("Dead letters") + `.length === 50`)
	slow := make(chan struct{})
	q.change(func() { q.slow = slow })
	p.click("button", "Refresh")
	require.Eventually(t, func() (slowed bool) {
		q.change(func() { slowed = q.slow == nil })
		return slowed
	}, patience, 5*time.Millisecond)
	p.click("button", "Next")
	p.until(rows("Dead letters") + `.length === 10`)
	close(slow)
	p.until(`performance.getEntriesByType("resource").filter((e) => e.name.includes("/letters?")).length === 3`)
	assert.Equal(t, 10, get[int](p, rows("Dead letters")+`.length`))
}

func TestDeadLettersAreSubmittedAgainByMouse(t *testing.T) {
	long(t)
	q := brew("orders")
	s := play(t, dashboard.WithDurable(q), dashboard.WithControls())
	p := visit(t, s.url+"#cluster", desktop)
	p.until(rows("Dead letters") + `.length === 5`)
	p.until(one("button", "Requeue") + `.disabled`) // nothing is chosen
	p.hit(letter("order-23"))
	p.hit(letter("order-12"))
	p.click("button", "Requeue")
	p.says("#notice", "2 submitted again")
	q.change(func() { assert.Equal(t, []uint64{1, 3}, q.again) })
	p.until(rows("Dead letters") + `.length === 3 && !document.querySelector("tbody input:checked")`)
	p.until(tile("Dead") + ` === "3"`)
	p.until(tile("Ready") + ` === "1,206"`)
}

func TestDeadLettersAreDeletedByMouse(t *testing.T) {
	long(t)
	q := brew("orders")
	s := play(t, dashboard.WithDurable(q), dashboard.WithControls())
	p := visit(t, s.url+"#cluster", desktop)
	p.hit(letter("order-17"))
	p.click("button", "Delete")
	p.says("button", "Delete 1 for good") // not before the user is sure
	q.change(func() { assert.Len(t, q.letters, 5) })
	p.click("button", "Delete 1 for good")
	p.says("#notice", "1 deleted")
	p.until(rows("Dead letters") + `.length === 4`)
	p.until(`!(` + said("main") + `).includes("order-17")`)
	q.change(func() { assert.Len(t, q.letters, 4); assert.Empty(t, q.again) })
}

func TestDeadLettersAreSubmittedAgainAndDeletedByKeyboard(t *testing.T) {
	q := brew("orders")
	s := play(t, dashboard.WithDurable(q), dashboard.WithControls())
	p := visit(t, s.url+"#cluster", desktop)
	p.tabTo(letter("order-12"))
	p.press(" ")
	p.tabTo(one("button", "Requeue"), chromedp.KeyModifiers(chromedp.ModifierShift))
	p.press(kb.Enter)
	p.says("#notice", "1 submitted again")
	p.until(rows("Dead letters") + `.length === 4`)
	p.tabTo(letter("order-17"))
	p.press(" ")
	p.tabTo(one("button", "Delete"), chromedp.KeyModifiers(chromedp.ModifierShift))
	p.press(" ")
	p.until(`document.activeElement.innerText === "Delete 1 for good"`)
	p.press(" ")
	p.says("#notice", "1 deleted")
	p.until(rows("Dead letters") + `.length === 3`)
	q.change(func() { assert.Equal(t, []uint64{1}, q.again) })
	p.tabTo(`document.querySelector("summary")`)
	p.press(kb.Enter)
	p.until(`document.querySelector("details[open] pre")`)
}

func TestAnOrderForDeadLettersThatFailsIsSaid(t *testing.T) {
	long(t)
	q := brew("orders")
	s := play(t, dashboard.WithDurable(q), dashboard.WithControls())
	p := visit(t, s.url+"#cluster", desktop)
	p.excuse("409 (Conflict)")
	p.excuse("503 (Service Unavailable)")
	p.hit(letter("order-12"))
	q.change(func() { q.err = errStore })
	p.click("button", "Requeue")
	p.says("#notice", "That did not work: "+errStore.Error())
	p.until(rows("Dead letters") + `.length === 5`) // what was there is kept
	p.click("button", "Refresh")
	p.says("#notice", "That did not work: "+errStore.Error())
	q.change(func() { q.err = nil })
	p.click("button", "Requeue")
	p.says("#notice", "1 submitted again")
}

func TestTheFirstDeadLetterIsShownWithoutAsking(t *testing.T) {
	long(t)
	q := &durable{name: "orders"}
	s := play(t, dashboard.WithDurable(q))
	p := visit(t, s.url+"#cluster", desktop)
	p.says("main", "No dead letter is there.")
	q.die(cold("order-1"))
	p.says(`[aria-label="Dead letters"] tbody`, "order-1")
}

// Nothing of a queue is chosen of another, though numbers are the same.
func TestWhatIsChosenOfAQueueIsNotChosenOfAnother(t *testing.T) {
	long(t)
	q, other := brew("orders"), brew("parcels")
	s := play(t, dashboard.WithDurable(q, other), dashboard.WithControls())
	p := visit(t, s.url+"#cluster?find=orders", desktop)
	p.hit(letter("order-12"))
	p.click("button", "Delete")
	p.says("button", "Delete 1 for good")
	p.click(`[aria-label="Durable queues"] a`, "parcels")
	p.says("main h2", "parcels")
	p.until(rows("Dead letters") + `.length === 5 && !document.querySelector("tbody input:checked")`)
	p.until(one("button", "Delete") + `.innerText === "Delete" && ` + one("button", "Delete") + `.disabled`)
}
