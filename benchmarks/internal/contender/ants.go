package contender

import (
	"runtime"

	"github.com/panjf2000/ants/v2"
)

// Ants is a pool of ants. It never purges idle workers, so that a slow round does
// not pay for spawning them again, and is silent about panics.
func Ants() Contender {
	return Contender{Name: NameAnts, Lazy: true, Open: func(size int, work Work) (Pool, error) {
		pool, err := ants.NewPool(size, antsOptions())
		if err != nil {
			return nil, err
		}
		return &antsPool{submit: pool.Submit, release: pool.Release, work: work}, nil
	}}
}

// AntsMulti is ants' pool of pools, one for each processor, which exists to spread
// the contention for the one lock.
func AntsMulti() Contender {
	return Contender{Name: NameAntsMulti, Lazy: true, Open: func(size int, work Work) (Pool, error) {
		pools := min(size, runtime.GOMAXPROCS(0))
		each := (size + pools - 1) / pools
		pool, err := ants.NewMultiPool(pools, each, ants.RoundRobin, antsOptions())
		if err != nil {
			return nil, err
		}
		release := func() { _ = pool.ReleaseContext(nil) } //nolint:staticcheck // nil means not to wait, as Release of a pool
		return &antsPool{submit: pool.Submit, release: release, work: work}, nil
	}}
}

func antsOptions() ants.Option {
	return ants.WithOptions(ants.Options{DisablePurge: true, PanicHandler: func(any) {}})
}

type antsPool struct {
	submit  func(func()) error
	release func()
	work    Work
}

func (p *antsPool) Tell(n int) error { return p.submit(p.work.Func(n)) }

func (p *antsPool) Close() error {
	p.release()
	return nil
}
