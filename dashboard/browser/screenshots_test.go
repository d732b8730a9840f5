package browser_test

import (
	"bufio"
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/dashboard"
)

var screenshots = flag.String("screenshots", "", "write the pictures of the documentation to this `directory`")

// shots are the pictures, by name: the page, what it must have, what is clicked on then,
// and how high the picture is at most.
var shots = []struct {
	name, address, complete, open string
	height                        int
}{
	{"overview", "overview?pool=thumbnails", `document.querySelectorAll(".plot").length === 6`, "", 1200},
	{"workers", "workers?pool=reports", `document.querySelectorAll("tbody tr").length === 4`, "", 360},
	{
		"tasks", "tasks?pool=thumbnails&outcome=wrong", one("tbody tr", "panicked"),
		fmt.Sprintf(`(%s).querySelector("summary")`, one("tbody tr", "panicked")), 900,
	},
	{"quarantine", "quarantine?pool=thumbnails", `document.querySelectorAll("tbody tr").length > 3`, `document.querySelector("tbody summary")`, 900},
}

// TestScreenshots takes pictures of examples/dashboard when it has run for long enough
// to have something of everything. Nothing is checked but that there is.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("-screenshots does not say where the pictures are to go")
	}
	p := visit(t, example(t), desktop)
	p.says(".alerts", "has been on task report-7", "in quarantine")
	p.until(`(` + said(".ledger") + `).match(/^(\S+) submitted/)[1].replace(",", "") > 10500`) // after the second burst
	for _, s := range shots {
		for _, scheme := range []string{"light", "dark"} {
			p.use(desktop.in(scheme))
			p.open(s.address, s.complete)
			if s.open != "" {
				p.hit(fmt.Sprintf(`(%s).closest("details").open ? document.body : (%s)`, s.open, s.open))
				p.until(`document.querySelector("details[open] pre")`)
				get[bool](p, `scrollTo(0, 0), document.activeElement.blur(), true`)
			}
			p.picture(s.name+"-"+scheme, desktop.in(scheme), s.height)
		}
	}
	p.use(phone)
	p.open("overview?pool=thumbnails", shots[0].complete)
	p.picture("phone", phone, 1100)
}

// TestScreenshotsOfTheCluster takes pictures of a durable queue of the tests' own.
func TestScreenshotsOfTheCluster(t *testing.T) {
	if *screenshots == "" {
		t.Skip("-screenshots does not say where the pictures are to go")
	}
	parcels := brew("parcels")
	parcels.letters, parcels.stats.Servers = nil, parcels.stats.Servers[:2]
	parcels.stats.Ready, parcels.stats.InHand, parcels.stats.Oldest = 12, 4, 800*time.Millisecond
	s := play(t, dashboard.WithControls(), dashboard.WithDurable(brew("orders"), parcels),
		dashboard.WithPayload(func(p any) string { return fmt.Sprint(p) }))
	s.open("kettles")
	p := visit(t, s.url+"#cluster?find=orders", desktop)
	p.click("summary", "panic:")
	for _, scheme := range []string{"light", "dark"} {
		p.use(desktop.in(scheme))
		p.until(`document.querySelector("details[open] pre")`)
		get[bool](p, `scrollTo(0, 0), document.activeElement.blur(), true`)
		p.picture("cluster-"+scheme, desktop.in(scheme), 1400)
	}
}

// example starts examples/dashboard and returns its address.
func example(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "dashboard")
	out, err := exec.Command("go", "build", "-trimpath", "-o", program, "github.com/troupe-go/troupe/examples/dashboard").CombinedOutput()
	require.NoError(t, err, "%s", out)
	run := exec.Command(program, "-addr", "localhost:0")
	stdout, err := run.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, run.Start())
	t.Cleanup(func() {
		_ = run.Process.Signal(os.Interrupt)
		_ = run.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	_, url, found := strings.Cut(strings.TrimSpace(line), " is at ")
	require.True(t, found, line)
	return url
}

// picture writes a picture of the page from its top.
func (p *page) picture(name string, on device, height int) {
	p.t.Helper()
	on.height = int64(min(get[int](p, "document.documentElement.scrollHeight"), height))
	p.use(on)
	get[bool](p, `new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(true))))`)
	shot, err := chromedp.Run(p.tab, chromedp.CaptureScreenshot())
	require.NoError(p.t, err)
	small, err := fewColors(shot)
	require.NoError(p.t, err)
	require.NoError(p.t, os.WriteFile(filepath.Join(*screenshots, "dashboard-"+name+".png"), small, 0o644))
	p.t.Logf("%s: %d kB, from %d", name, len(small)>>10, len(shot)>>10)
}

// fewColors writes a picture with 256 colors. Nearly all it has are shades of the edges of
// letters, so those come first that it has most of, and those like none before them.
func fewColors(shot []byte) ([]byte, error) {
	from, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return nil, err
	}
	area := from.Bounds()
	count := make(map[color.Color]int)
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			count[color.NRGBAModel.Convert(from.At(x, y))]++
		}
	}
	colors := slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), strings.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	seen := make(map[[3]uint8]bool)
	var firsts, others []color.Color
	for i, c := range colors {
		n := c.(color.NRGBA)
		if similar := [3]uint8{n.R >> 4, n.G >> 4, n.B >> 4}; i < 64 || !seen[similar] {
			seen[similar] = true
			firsts = append(firsts, c)
		} else {
			others = append(others, c)
		}
	}
	colors = append(firsts, others...)
	to := image.NewPaletted(area, color.Palette(colors[:min(len(colors), 256)]))
	draw.Draw(to, area, from, area.Min, draw.Src)
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, to)
	return b.Bytes(), err
}
