package leaks_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/internal/leaks"
	"github.com/troupe-go/troupe/troupetest"
)

func TestMain(m *testing.M) { leaks.VerifyTestMain(m) }

func TestAGoroutineMayEndASecondLater(t *testing.T) {
	troupetest.TimeLimit(t)
	go func() { <-time.After(time.Second) }()
	assert.NoError(t, leaks.Find())
}

func TestAGoroutineThatStaysIsFound(t *testing.T) {
	troupetest.TimeLimit(t)
	end := make(chan struct{})
	defer close(end)
	go stay(end)
	require.ErrorContains(t, leaks.Find(), "stay")
}

func stay(end chan struct{}) { <-end }
