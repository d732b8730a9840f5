package browser_test

import (
	"fmt"
	"testing"

	"github.com/troupe-go/troupe/dashboard"
)

// rows is an expression: the rows of a table, by its caption.
func rows(caption string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('[aria-label=%s] tbody tr')]`, quote(caption))
}

// tile is an expression: what a figure says.
func tile(name string) string {
	return fmt.Sprintf(`(%s)?.children[1].innerText`, one(".tiles > div", name))
}

func TestTheClusterPageIsThereOnlyIfThereAreDurableQueues(t *testing.T) {
	s := play(t)
	s.open("kettles")
	p := visit(t, s.url+"#cluster", desktop)
	p.says("tbody", "kettles")
	p.until(`document.querySelector("nav a[aria-current]").innerText === "Overview"`)
	p.until(`!(` + said("nav") + `).includes("Cluster")`)
}

func TestTheClusterPageShowsWhatIsInAQueueAndWhoTakesFromIt(t *testing.T) {
	q := brew("orders")
	s := play(t, dashboard.WithDurable(q))
	s.open("kettles")
	p := visit(t, s.url, desktop)
	p.turn("Cluster")
	p.until(`document.title === "orders: Cluster · Troupe"`)
	for name, value := range map[string]string{
		"Ready": "1,204", "Delayed": "37", "In hand": "19", "Retrying": "6", "Dead": "5", "Oldest": "1 min 34 s", "Stored": "5 MiB",
	} {
		p.until(tile(name) + " === " + quote(value))
	}
	p.until(rows("By priority") + `.map((tr) => tr.innerText.split("\t").join(" ")).join() === "9 4 3,0 1,200 16"`)
	p.until(rows("Nodes") + `.length === 2`)
	p.says(`[aria-label="Nodes"] tbody tr:first-child`, "kitchen-1", "kettles", "51,230", "412", "31", "1 s ago")
	p.until(rows("Servers") + `.length === 3`)
	p.says(`[aria-label="Servers"] tbody tr:first-child`, "nats-a", "leader", "current")
	p.says(`[aria-label="Servers"] tbody tr:last-child`, "nats-c", "not current", "1,893", "42 s ago")
	q.change(func() { q.stats.Ready, q.stats.Nodes = 77, q.stats.Nodes[:1] })
	p.until(tile("Ready") + ` === "77"`)
	p.until(rows("Nodes") + `.length === 1`)
}

func TestAQueueThatIsUnreachableSaysSoAndHowOldItsFiguresAre(t *testing.T) {
	long(t)
	q := brew("orders")
	s := play(t, dashboard.WithDurable(q))
	s.open("kettles")
	p := visit(t, s.url+"#cluster", desktop)
	p.until(rows("Dead letters") + `.length === 5`)
	p.until(`!document.querySelector(".news").checkVisibility()`)
	q.change(func() { q.err = errStore })
	p.says(".news", "Unreachable: "+errStore.Error(), "The figures are of")
	p.until(`/ of [2-9] s ago/.test(` + said(".news") + `)`)
	p.until(tile("Ready") + ` === "1,204"`)
	p.says(`[aria-label="Durable queues"] tbody`, "unreachable")
	p.turn("Overview")
	p.says(".verdict", "1 of 2 pools and queues needs a look: orders")
	p.click(".alerts a", "orders: unreachable: nats: no servers")
	p.until(`location.hash === "#cluster?pool=kettles&find=orders"`)
	p.says(".news", "Unreachable")
	q.change(func() { q.err, q.stats.Ready = nil, 3 })
	p.until(tile("Ready") + ` === "3"`)
	p.until(`!document.querySelector(".news").checkVisibility()`)
}

func TestAQueueThatHasNeverAnsweredSaysSo(t *testing.T) {
	long(t)
	q := &durable{name: "orders", hung: true}
	s := play(t, dashboard.WithDurable(q))
	p := visit(t, s.url+"#cluster", desktop)
	p.says(".news", "Asking it how it is. There are no figures yet.")
	p.says(".news", "Unreachable: ", "There are no figures yet.")
	p.until(`!document.querySelector(".tiles").checkVisibility()`)
	p.says(`[aria-label="Durable queues"] tbody`, "–")
}

func TestTheOverviewJudgesPoolsAndQueues(t *testing.T) {
	long(t)
	well := &durable{name: "parcels"}
	q := &durable{name: "orders"}
	s := play(t, dashboard.WithDurable(well, q))
	p := visit(t, s.url, desktop)
	p.says(".verdict", "All 2 queues are well")
	s.open("kettles")
	p.says(".verdict", "The pool and all 2 queues are well")
	q.die(cold("order-1"))
	p.says(".verdict", "1 of 3 pools and queues needs a look: orders")
	p.click(".alerts a", "orders: 1 dead letter")
	p.says("main h2", "orders") // not the first
	p.says(`[aria-label="Dead letters"] tbody`, "order-1")
	p.click(`[aria-label="Durable queues"] a`, "parcels")
	p.says("main h2", "parcels")
	p.until(`!(` + said("main") + `).includes("order-1")`)
}
