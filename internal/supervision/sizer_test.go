package supervision_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/supervision"
	"github.com/troupe-go/troupe/messages"
)

func TestAllWorkersJoinBetweenBeginAndEndOfAResize(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := supervise(t, supervision.Config{Size: 2})
		assert.Equal(t, []string{"begin", "join", "join", "end"}, s.recorded(), "start")
		require.NoError(t, s.resize(5))
		assert.Equal(t, []string{"begin", "join", "join", "join", "end"}, s.recorded())
		require.NoError(t, s.resize(5))
		assert.Empty(t, s.recorded(), "no change")
		require.NoError(t, s.resize(1))
		assert.Equal(t, []string{"retire"}, s.recorded(), "all leave in one step")
	})
}

func TestAResizeEndsIfAWorkerCannotBeSpawned(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := supervise(t, supervision.Config{Size: 1})
		s.recorded()
		resized := pooltest.Events[*messages.PoolResized](t, s.system)
		s.setRoom(1)
		assert.ErrorIs(t, s.resize(4), errSpawn)
		assert.Equal(t, []string{"begin", "join", "end"}, s.recorded())
		require.Len(t, resized, 1)
		event := <-resized
		assert.Equal(t, [2]int{1, 2}, [2]int{event.From, event.To})
	})
}

func TestAResizeEndsIfTheSupervisorPanics(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := supervise(t, supervision.Config{Size: 1})
		s.recorded()
		s.setFaulty()
		assert.Error(t, s.resize(4))
		calls := s.recorded()
		require.NotEmpty(t, calls)
		open := 0
		for _, call := range calls {
			switch call {
			case "begin":
				open++
			case "end":
				open--
			}
			assert.True(t, open == 0 || open == 1, "%v", calls)
		}
		assert.Zero(t, open, "%v", calls)
	})
}

func TestASizeThatNoPoolCanHaveIsAnError(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := supervise(t, supervision.Config{Size: 1})
		for _, size := range []int{-1, 0, 1_000_001} {
			assert.ErrorIs(t, s.resize(size), messages.ErrInvalidOption)
			assert.ErrorIs(t, supervision.CheckSize(size), messages.ErrInvalidOption)
		}
		assert.Equal(t, 1, s.Size())
	})
}

// A worker that has left dispatch is not replaced when a resize has filled its place.
func TestAResizeFillsTheGapOfAWorkerThatStops(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := supervise(t, supervision.Config{Size: 2})
		gone := s.leave(1)[0]
		s.recorded()
		require.NoError(t, s.resize(3))
		s.system.Root.Stop(gone)
		assert.Equal(t, []string{"begin", "join", "join", "end"}, s.recorded())
		assert.Equal(t, 3, s.Size())
	})
}
