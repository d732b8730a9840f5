package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/troupetest"
)

// patience is enough for a test on a busy machine.
const patience = time.Minute

// TestMain is the program itself where the tests have started it again.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && !strings.HasPrefix(os.Args[1], "-") {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestTheSecondProcessGoesOnWhereTheFirstWasKilled(t *testing.T) {
	troupetest.TimeLimit(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out bytes.Buffer
	require.NoError(t, show(ctx, &out), "%s", &out)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 4)
	assert.Equal(t, "first process: submits 60 tasks and begins", lines[0])
	var first int // a slow machine kills the process late
	_, err := fmt.Sscanf(lines[1], "killed, with %d tasks done", &first)
	require.NoError(t, err, lines[1])
	assert.GreaterOrEqual(t, first, killedAt)
	assert.Equal(t, "second process: submits nothing and goes on", lines[2])
	assert.Regexp(t, `^done: 60 of 60 tasks, \d+ of them twice$`, lines[3])
}

// The first process may have done all tasks before the signal reached it.
func TestAProcessThatHasNothingToDoIsKilledAtOnce(t *testing.T) {
	troupetest.TimeLimit(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	done := make(map[string]int)
	for n := range tasks {
		done[fmt.Sprint(n)]++
	}
	require.NoError(t, process(ctx, t.TempDir(), "go-on", done, tasks))
}

func TestUnexpectedArgumentsAreAnError(t *testing.T) {
	assert.Error(t, run(t.Context(), []string{"one"}))
}
