package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain is the program itself where the tests have started it again.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && !strings.HasPrefix(os.Args[1], "-") {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestTheSecondProcessGoesOnWhereTheFirstWasKilled(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, show(t.Context(), &out))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 4)
	assert.Equal(t, "first process: submits 60 tasks and begins", lines[0])
	assert.Regexp(t, `^killed, with 2[5-9] tasks done$`, lines[1])
	assert.Equal(t, "second process: submits nothing and goes on", lines[2])
	assert.Regexp(t, `^done: 60 of 60 tasks, \d+ of them twice$`, lines[3])
}

func TestUnexpectedArgumentsAreAnError(t *testing.T) {
	assert.Error(t, run(t.Context(), []string{"one"}))
}
