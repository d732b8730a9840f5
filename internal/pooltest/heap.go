package pooltest

import "runtime"

// Heap collects garbage and returns how many bytes of the heap are in use.
func Heap() uint64 {
	runtime.GC()
	runtime.GC() // the first empties the pools of recycled objects only halfway
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
