package timelimit

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const hangs = "TROUPE_TEST_HANGS"

func TestALongTimeoutOfThePackageLengthensTheLimit(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		0:                0,
		time.Minute:      3 * time.Minute,
		10 * time.Minute: 3 * time.Minute,
		time.Hour:        30 * time.Minute,
	} {
		assert.Equal(t, want, limitFor(timeout), "%v", timeout)
	}
}

func TestATestThatHangsEndsItsProcessAndSaysWhere(t *testing.T) {
	if os.Getenv(hangs) != "" {
		time.AfterFunc(0, func() { exceeded(t.Name(), time.Second) })
		select {}
	}
	self, err := os.Executable()
	require.NoError(t, err)
	child := exec.CommandContext(t.Context(), self, "-test.run", "^"+t.Name()+"$", "-test.timeout", "1m")
	child.Env = append(os.Environ(), hangs+"=1")
	out, err := child.CombinedOutput()
	require.ErrorContains(t, err, "exit status 2")
	assert.Contains(t, string(out), t.Name()+" still runs after 1s")
	assert.Contains(t, string(out), "timelimit."+t.Name()+"(0x", "its stack")
}
