package actors

import "runtime"

// SizeCPU is one worker for each processor that the program may use: for tasks
// that compute. Like all sizes it respects a container's CPU limit, through
// GOMAXPROCS.
func SizeCPU() int { return runtime.GOMAXPROCS(0) }

// SizeCPUMinusOne leaves one processor to the rest of the program, if there is
// more than one.
func SizeCPUMinusOne() int { return max(SizeCPU()-1, 1) }

// SizeMixed is two workers for each processor: for tasks that compute and wait.
func SizeMixed() int { return 2 * SizeCPU() }

// SizeShort is one worker for two processors, at least two: for tasks so short
// that more workers would mostly meet at the queue.
func SizeShort() int { return max(SizeCPU()/2, 2) }
