package jetstream_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/jetstream/local"
)

// soak is how many tasks the tests go through in which processes are killed. make
// soak-jetstream asks for more.
var soak = flag.Int("soak", 3_000, "tasks of each test in which processes are killed")

// kills is how often that is done.
func kills() int { return max(*soak/2_000, 5) }

func TestMain(m *testing.M) {
	local.Main(map[string]local.Role{workerRole: work, submitterRole: fill, serveRole: serve})
	goleak.VerifyTestMain(m)
}
