package engine

import (
	"testing"

	"github.com/troupe-go/troupe/router"
)

// A paused pool with a long queue drops a task for each new one.
func BenchmarkDropOldest(b *testing.B) {
	e := newEngine(b, router.LeastBusy(), withCapacity(40_000), func(cfg *Config) { cfg.Overflow = router.DropOldest })
	for range 40_000 {
		accept(e, nil, &Spec{})
	}
	for b.Loop() {
		if err := submit(e, newJob(nil), &Spec{Mode: MayWait}); err != nil {
			b.Fatal(err)
		}
	}
}
