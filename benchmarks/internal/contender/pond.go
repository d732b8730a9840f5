package contender

import "github.com/alitto/pond/v2"

// Pond is a pool of pond, whose queue has no bound.
func Pond() Contender {
	return Contender{Name: NamePond, Lazy: true, Open: func(size int, work Work) (Pool, error) {
		return &pondPool{pool: pond.NewPool(size), work: work}, nil
	}}
}

type pondPool struct {
	pool pond.Pool
	work Work
}

func (p *pondPool) Tell(n int) error { return p.pool.Go(p.work.Func(n)) }

func (p *pondPool) Close() error {
	p.pool.StopAndWait()
	return nil
}
