package jetstream_test

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/jetstream/local"
)

// soak is how many tasks the tests go through in which processes are killed. make
// soak-jetstream asks for more, and so does .ci/run, which sets TROUPE_FULL.
var soak = flag.Int("soak", usualSoak(), "tasks of each test in which processes are killed")

func usualSoak() int {
	if full() {
		return 3_000
	}
	return 1_000
}

// full reports whether the tests run at full size, as .ci/run has them.
func full() bool { return os.Getenv("TROUPE_FULL") != "" }

// long skips a test that takes long, unless the tests run at full size.
func long(t *testing.T) {
	t.Helper()
	if !full() {
		t.Skip("it takes long, and TROUPE_FULL is not set")
	}
}

// kills is how often that is done.
func kills() int { return max(*soak/2_000, 5) }

func TestMain(m *testing.M) {
	local.Main(map[string]local.Role{workerRole: work, submitterRole: fill, serveRole: serve})
	// The parallel tests wait for leases and elections, so more of them run at a time than is usual.
	_ = flag.Set("test.parallel", strconv.Itoa(max(4, runtime.GOMAXPROCS(0))))
	goleak.VerifyTestMain(m)
}
