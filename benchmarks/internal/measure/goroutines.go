package measure

import "runtime/metrics"

// Goroutines returns how many goroutines the program has started so far.
func Goroutines() uint64 {
	sample := []metrics.Sample{{Name: "/sched/goroutines-created:goroutines"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
