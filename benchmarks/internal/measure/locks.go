package measure

import (
	"cmp"
	"maps"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"time"
)

// lockWait returns the time that all goroutines together have waited for locks since
// the program began. The runtime estimates it from a sample.
func lockWait() time.Duration {
	sample := []metrics.Sample{{Name: "/sync/mutex/wait/total:seconds"}}
	metrics.Read(sample)
	return time.Duration(sample[0].Value.Float64() * float64(time.Second))
}

// A LockSite is a function in which goroutines waited for a lock.
type LockSite struct {
	Function string
	Share    float64 // of all waiting
}

// LockProfile runs a function and returns where goroutines waited for locks meanwhile,
// the longest first, by the mutex profile.
func LockProfile(run func()) []LockSite {
	before := lockCycles()
	fraction := runtime.SetMutexProfileFraction(1)
	run()
	runtime.SetMutexProfileFraction(fraction)
	waits := lockCycles()
	var total float64
	for function := range waits {
		waits[function] -= before[function]
		total += waits[function]
	}
	functions := slices.SortedFunc(maps.Keys(waits), func(a, b string) int { return cmp.Compare(waits[b], waits[a]) })
	var sites []LockSite
	for _, function := range functions {
		if waits[function] > 0 {
			sites = append(sites, LockSite{function, waits[function] / total})
		}
	}
	return sites
}

// lockCycles returns the time waited in each function, in cycles.
func lockCycles() map[string]float64 {
	records := make([]runtime.BlockProfileRecord, 100)
	for {
		n, ok := runtime.MutexProfile(records)
		if ok {
			records = records[:n]
			break
		}
		records = make([]runtime.BlockProfileRecord, n+100)
	}
	waits := make(map[string]float64)
	for i := range records {
		waits[lockSite(records[i].Stack())] += float64(records[i].Cycles)
	}
	return waits
}

// lockSite is the innermost function of a stack that is not the lock's own.
func lockSite(stack []uintptr) string {
	frames := runtime.CallersFrames(stack)
	for {
		frame, more := frames.Next()
		own := strings.HasPrefix(frame.Function, "sync.") || strings.HasPrefix(frame.Function, "internal/sync.")
		if !own && !strings.HasPrefix(frame.Function, "runtime.") || !more {
			return frame.Function[strings.LastIndex(frame.Function, "/")+1:]
		}
	}
}
