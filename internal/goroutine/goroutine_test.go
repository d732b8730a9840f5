package goroutine_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/goroutine"
	"github.com/troupe-go/troupe/internal/timelimit"
)

func stuck(ready chan<- goroutine.ID, until <-chan struct{}) {
	ready <- goroutine.Current()
	<-until
}

func TestTheStackIsThatOfTheGoroutine(t *testing.T) {
	timelimit.Set(t)
	ready, until := make(chan goroutine.ID), make(chan struct{})
	var all sync.WaitGroup
	for range 200 { // more than fit into the first buffer
		all.Go(func() { <-until })
	}
	all.Go(func() { stuck(ready, until) })
	id := <-ready
	stack := string(goroutine.Stacks("no number", id)[1])
	assert.Contains(t, stack, "goroutine "+string(id)+" ")
	assert.Contains(t, stack, "goroutine_test.stuck(")
	assert.NotContains(t, stack, "\n\n", "of that one alone")
	close(until)
	all.Wait()
}

func TestIDsAreThoseOfGoroutines(t *testing.T) {
	timelimit.Set(t)
	require.NotEmpty(t, goroutine.Current())
	assert.Equal(t, goroutine.Current(), goroutine.Current())
	other := make(chan goroutine.ID)
	go func() { other <- goroutine.Current() }()
	assert.NotEqual(t, goroutine.Current(), <-other)
	assert.Equal(t, [][]byte{nil, nil}, goroutine.Stacks("", "no number"))
}

func TestAllStacksAreThoseOfAllGoroutines(t *testing.T) {
	timelimit.Set(t)
	ready, until := make(chan goroutine.ID), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { stuck(ready, until) })
	id := <-ready
	found := 0
	for _, stack := range goroutine.All() {
		assert.Regexp(t, "^goroutine [0-9]+ ", stack)
		if strings.HasPrefix(stack, "goroutine "+string(id)+" ") {
			found++
			assert.Contains(t, stack, "goroutine_test.stuck(")
		}
	}
	assert.Equal(t, 1, found)
	close(until)
	all.Wait()
}
