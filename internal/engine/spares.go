package engine

// maxSpares limits the tasks that a queue keeps for reuse.
const maxSpares = 4096

// spares are free tasks that the engine has made. The last one that came back is used
// first, since it is most likely in the cache. The lock of the queue guards them.
type spares struct {
	last *Task // the last one that came back; nil: none
	list []*Task
	made int // slabs
}

// Tasks are made in slabs. Side by side they waste no memory, and the processor prefetches
// the next one. The first slabs of a queue are small, since a worker's own queue may need
// few tasks. Go aligns objects of both sizes to cache lines, so a task of 64 bytes lies in
// one line.
const (
	smallSlab  = 512 // bytes
	largeSlab  = 32 << 10
	smallSlabs = 16
)

// takeLocked returns a free task. If there is none, it makes a slab.
func (s *spares) takeLocked(cfg *Config) *Task {
	if t := s.last; t != nil {
		s.last = nil
		return t
	}
	if len(s.list) == 0 {
		size := smallSlab
		if s.made >= smallSlabs {
			size = largeSlab
		}
		s.list = append(s.list, cfg.NewTasks(max(size/cfg.TaskSize, 1))...)
		s.made++
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
