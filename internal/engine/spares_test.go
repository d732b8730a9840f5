package engine

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// slabs returns a config that records how many tasks are made at once.
func slabs(size int) (cfg *Config, made *[]int) {
	made = new([]int)
	return &Config{TaskSize: size, NewTasks: func(n int) []*Task {
		*made = append(*made, n)
		return newTasks(n)
	}}, made
}

func TestTheSpareThatCameLastIsUsedFirst(t *testing.T) {
	cfg, made := slabs(100)
	var s spares
	a, b, c := numbered(1), numbered(2), numbered(3)
	for _, task := range []*Task{a, b, c} {
		s.putLocked(task)
	}
	assert.Same(t, a, s.takeLocked(cfg), "the one that lies apart")
	assert.Same(t, c, s.takeLocked(cfg))
	s.putLocked(a)
	assert.Same(t, a, s.takeLocked(cfg))
	assert.Same(t, b, s.takeLocked(cfg))
	assert.Empty(t, *made)
}

func TestTheFirstSlabsAreSmall(t *testing.T) {
	cfg, made := slabs(64)
	var s spares
	seen := map[*Task]bool{}
	for range smallSlabs*8 + 512 + 1 {
		task := s.takeLocked(cfg)
		require.False(t, seen[task], "a task is given out once")
		seen[task] = true
	}
	assert.Equal(t, append(slices.Repeat([]int{8}, smallSlabs), 512, 512), *made)
}

func TestASlabHasOneTaskAtLeast(t *testing.T) {
	cfg, made := slabs(1 << 20)
	var s spares
	s.takeLocked(cfg)
	s.takeLocked(cfg)
	assert.Equal(t, []int{1, 1}, *made)
}

func TestNoMoreSparesAreKeptThanAllowed(t *testing.T) {
	cfg, made := slabs(100)
	var s spares
	for range maxSpares + 100 {
		s.putLocked(new(Task))
	}
	assert.Len(t, s.list, maxSpares)
	for range maxSpares + 1 {
		s.takeLocked(cfg)
	}
	assert.Empty(t, *made)
	s.takeLocked(cfg)
	assert.Len(t, *made, 1)
}
