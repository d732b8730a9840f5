package engine

// maxSpares limits the tasks that a queue keeps for reuse.
const maxSpares = 4096

// spares are free tasks that the engine has made. The last one that came back is used
// first, since it is most likely in the cache. The lock of the queue guards them.
type spares struct {
	last *Task // the last one that came back; nil: none
	list []*Task
	made int // tasks in the last slab
}

// Tasks are made in slabs. Side by side they waste no memory, and the processor prefetches
// the next one. The slabs of a queue start small and grow, since a worker's own queue may
// need few tasks.
const (
	leastSlab = 8       // tasks
	slabBytes = 8 << 10 // of a large slab
)

// takeLocked returns a free task. If there is none, it makes a slab.
func (s *spares) takeLocked(cfg *Config) *Task {
	if t := s.last; t != nil {
		s.last = nil
		return t
	}
	if len(s.list) == 0 {
		s.made = min(max(2*s.made, leastSlab), max(slabBytes/cfg.TaskSize, 1))
		s.list = append(s.list, cfg.NewTasks(s.made)...)
	}
	last := len(s.list) - 1
	t := s.list[last]
	s.list = s.list[:last]
	return t
}

// putLocked keeps a free task, unless there are enough.
func (s *spares) putLocked(t *Task) {
	if s.last == nil {
		s.last = t
		return
	}
	if len(s.list) < maxSpares {
		s.list = append(s.list, t)
	}
}
