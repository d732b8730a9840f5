package contender

import "github.com/sourcegraph/conc/pool"

// Conc is a pool of sourcegraph/conc. It has no queue: a task waits for a worker.
func Conc() Contender {
	return Contender{Name: NameConc, Lazy: true, Open: func(size int, work Work) (Pool, error) {
		return &concPool{pool: pool.New().WithMaxGoroutines(size), work: work}, nil
	}}
}

type concPool struct {
	pool *pool.Pool
	work Work
}

func (p *concPool) Tell(n int) error {
	p.pool.Go(p.work.Func(n))
	return nil
}

func (p *concPool) Close() error {
	p.pool.Wait()
	return nil
}
