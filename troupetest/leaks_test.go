package troupetest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/troupetest"
)

func TestAGoroutineThatTheTestLeavesBehindIsReported(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		fake, release := newFakeT(t), make(chan struct{})
		began := time.Now()
		failures := fake.run(func() {
			troupetest.VerifyNoLeaks(fake)
			for range 3 {
				go func() { leakedGoroutine(release) }()
			}
		})
		assert.Contains(t, failures, "End them before the test returns")
		assert.Equal(t, 3, strings.Count(failures, "leakedGoroutine\n")*countOf(failures))
		assert.Less(t, time.Since(began), time.Minute)
		close(release)
	})
}

// countOf returns 3 for one stack of three goroutines and 1 for three of one each.
func countOf(failures string) int {
	if strings.Contains(failures, "\n3 with the stack:") {
		return 3
	}
	return 1
}

func TestAGoroutineThatEndsInTimeIsNoLeak(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		fake := newFakeT(t)
		assert.Empty(t, fake.run(func() {
			troupetest.VerifyNoLeaks(fake)
			go time.Sleep(3 * time.Second)
		}))
	})
}

func TestGoroutinesOfOthersAreNoLeaks(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		fake, release := newFakeT(t), make(chan struct{})
		go leakedGoroutine(release)
		assert.Empty(t, fake.run(func() {
			go leakedGoroutine(release) // before the check
			troupetest.VerifyNoLeaks(fake)
		}))
		close(release)
	})
}

func TestAllowedGoroutinesAreNoLeaks(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		fake, release := newFakeT(t), make(chan struct{})
		assert.Empty(t, fake.run(func() {
			troupetest.AllowGoroutines(fake, "troupetest_test.leakedGoroutine")
			go leakedGoroutine(release)
		}))
		assert.Contains(t, fake.run(func() { troupetest.AllowGoroutines(fake, "") }), "Name a function")
		close(release)
	})
}

func TestParallelTestsDoNotSeeEachOthersGoroutines(t *testing.T) {
	troupetest.TimeLimit(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	t.Run("one", func(t *testing.T) {
		t.Parallel()
		troupetest.AllowGoroutines(t, "troupetest_test.leakedGoroutine")
		go leakedGoroutine(release)
	})
	t.Run("other", func(t *testing.T) {
		t.Parallel()
		troupetest.VerifyNoLeaks(t)
	})
}
