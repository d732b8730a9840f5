package browser_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/dashboard"
	"github.com/troupe-go/troupe/messages"
)

// hostile are texts that have broken pages before. Each does what it can to change the
// title if it is taken for markup or code.
var hostile = map[string]string{
	"script":   `</script><script>document.title = "owned"</script>`,
	"markup":   `<img src=x onerror='document.title = "owned"'><b class=owned>bold</b></td></table><!--`,
	"quotes":   `"'` + "`" + `><svg onload=document.title="owned"> ${document.title = "owned"} &amp;&lt;`,
	"link":     `javascript:document.title="owned"`,
	"address":  `a?pool=x&find=y#tasks?z=%00%2F+ %zz;`,
	"object":   `__proto__`,
	"unicode":  "Kannen ☕ 茶壶 إبريق 👩‍🔧 e\u0301 \u202egnp.exe \u0000 \ufeff",
	"invalid":  "\xff\xfe broken \xc3",
	"lines":    "one\r\ndata: two\n\nevent: three\n\tfour",
	"long":     strings.Repeat("long", 2500),
	"sentence": strings.Repeat("long word ", 1000),
}

// hostileTexts returns all of them, or the worst one.
func hostileTexts() map[string]string {
	if full() {
		return hostile
	}
	return map[string]string{"script": hostile["script"]}
}

func TestHostileTextsAreHarmless(t *testing.T) {
	for name, text := range hostileTexts() {
		t.Run(name, func(t *testing.T) {
			s := play(t, dashboard.WithControls(), dashboard.WithPayload(payload))
			s.open("other") // a selector with one pool is disabled
			kettles := s.open(strings.NewReplacer("/", "\\", "$", "§").Replace(text), actors.WithSize(2), crashes())
			for _, do := range []string{"fail", "panic"} {
				require.NoError(t, kettles.Tell(context.Background(), job{do: do, note: text}, actors.ID(text), actors.Key(text)))
			}
			p := visit(t, s.url, phone)
			p.until(`document.querySelectorAll("#pool option").length === 2`)
			label := get[string](p, `document.querySelectorAll("#pool option")[1].value`)
			p.choose("#pool", label)
			p.until(fmt.Sprintf(`document.querySelector("main h2")?.textContent === %s`, quote(label)))
			p.click("button", "Pause")
			p.until(fmt.Sprintf(`document.getElementById("notice").textContent === %s`, quote(label+": paused")))
			assert.True(t, kettles.Stats().Paused)
			p.click("button", "Resume")
			p.until(`document.querySelectorAll(".plot").length === 6`)
			p.fits()

			p.turn("Workers")
			p.until(`document.querySelectorAll("tbody tr").length === 2`)
			p.fits()

			p.turn("Tasks")
			p.until(`document.querySelectorAll("tbody tr").length === 2`)
			p.choose("#filter-outcome", "quarantined")
			p.until(`document.querySelectorAll("tbody tr").length === 1`)
			shown := get[string](p, `document.querySelector("tbody th").textContent`)
			assert.Contains(t, shown, strings.ToValidUTF8(text, "\ufffd"))
			p.hit(`document.querySelector("summary")`)
			p.until(`document.querySelectorAll("details[open] pre").length === 3`)
			p.fits()

			p.turn("Quarantine")
			p.until(`document.querySelectorAll("tbody tr").length === 1`)
			p.fits()
			p.hit(`document.querySelector("tbody input")`)
			p.click("button", "Delete")
			p.click("button", "Delete 1 for good")
			p.says("main", "No task is in quarantine.")

			p.until(`!document.title.startsWith("owned") && !document.querySelector(".owned, main script, main svg, main img")`)
		})
	}
}

func TestHostileTextsOfADurableQueueAreHarmless(t *testing.T) {
	for name, text := range hostileTexts() {
		t.Run(name, func(t *testing.T) {
			q := &durable{name: text, stats: messages.DurableStats{
				Nodes:   []messages.DurableNode{{Node: text, Pool: text}, {Node: text, Pool: text}},
				Servers: []messages.DurableServer{{Name: text, Leader: true, Current: true}, {Name: text}},
			}}
			for range 2 {
				q.die(messages.DeadLetter{
					ID: text, Key: text, Payload: []byte(text), Reason: messages.DeadReason(text), Err: text, Stack: text, Node: text, Died: time.Now(),
				})
			}
			s := play(t, dashboard.WithControls(), dashboard.WithPayload(func(p any) string { return fmt.Sprint(p) }),
				dashboard.WithDurable(&durable{name: "other"}, q))
			p := visit(t, s.url, phone)
			label := strings.ToValidUTF8(text, "\ufffd")
			link := fmt.Sprintf(`[...document.querySelectorAll(".alerts a")].find((a) => a.textContent.startsWith(%s))`, quote(label+": 2 dead letters"))
			p.until(link)
			get[bool](p, link+".focus(), true") // its middle may be between two lines
			p.press(kb.Enter)
			p.until(fmt.Sprintf(`document.querySelector("main h2")?.textContent === %s`, quote(label)))
			p.until(rows("Nodes") + `.length === 2`)
			p.until(rows("Servers") + `.length === 2`)
			p.until(rows("Dead letters") + `.length === 2`)
			assert.Contains(t, get[string](p, rows("Dead letters")+`[0].querySelector("th").textContent`), label)
			p.hit(`document.querySelector("summary")`)
			p.until(`document.querySelectorAll("details[open] pre").length === 3`)
			p.fits()
			p.hit(rows("Dead letters") + `[1].querySelector("input")`)
			p.click("button", "Delete")
			p.click("button", "Delete 1 for good")
			p.until(rows("Dead letters") + `.length === 1`)
			p.until(`!document.title.startsWith("owned") && !document.querySelector(".owned, main script, main svg, main img")`)
		})
	}
}
