package browser_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"
)

// fullEnv is set by .ci/run. Then the tests run at full size, and fail instead of being
// skipped when the machine lacks something.
const fullEnv = "TROUPE_FULL"

func full() bool { return os.Getenv(fullEnv) != "" }

// long skips a test that takes long, unless the tests run at full size.
func long(t *testing.T) {
	t.Helper()
	if !full() {
		t.Skip("it takes long, and " + fullEnv + " is not set")
	}
}

var errNoBrowser = errors.New("there is no Chromium or Chrome in PATH")

// chromium is the browser of all tests, each of which has a profile of its own in it. It
// is nil if there is none, and missing says why.
var (
	chromium context.Context
	missing  error
)

func TestMain(m *testing.M) {
	// The tests wait more than they work, so more of them run at a time than is usual.
	_ = flag.Set("test.parallel", strconv.Itoa(max(6, runtime.GOMAXPROCS(0))))
	var stop func()
	chromium, stop, missing = start()
	m.Run()
	stop()
}

func start() (browser context.Context, stop func(), err error) {
	path, err := find("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
	if err != nil {
		return nil, func() {}, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // it sees pages of these tests alone, and they may run as root
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	)
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	browser, stopBrowser := chromedp.NewContext(allocator)
	stop = func() { stopBrowser(); stopAllocator() }
	if err := chromedp.Do(browser); err != nil {
		stop()
		return nil, func() {}, fmt.Errorf("%s does not start: %w", path, err)
	}
	return browser, stop, nil
}

func find(names ...string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoBrowser
}

// lack skips a test for want of something, or fails it.
func lack(t *testing.T, what string) {
	t.Helper()
	if full() {
		t.Fatalf("%s, and %s is set", what, fullEnv)
	}
	t.Skipf("%s: .ci/run browser gets what this test needs", what)
}
