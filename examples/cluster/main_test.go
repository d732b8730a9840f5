package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/jetstream/local"
)

// TestMain is a server or a worker where the test has started it again.
func TestMain(m *testing.M) {
	local.Main(roles())
	os.Exit(m.Run())
}

func TestNoTaskIsLostWithAWorkerOrAServer(t *testing.T) {
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	require.NoError(t, run(ctx, &out), "%s", &out)
	text := out.String()
	assert.Contains(t, text, "kill -9 worker-2")
	assert.Regexp(t, `kill -9 server-\d, which leads the queue`, text)
	assert.Contains(t, text, "is back and has caught up")
	lines := strings.Split(strings.TrimSpace(text), "\n")
	assert.Regexp(t, `^submitted 300 = done 300 \(\d+ of them twice\) \+ dead letters 0$`, lines[len(lines)-1])
}

func TestAnInterruptEndsIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.Error(t, run(ctx, io.Discard))
}
