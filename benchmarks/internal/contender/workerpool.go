package contender

import "github.com/gammazero/workerpool"

// Workerpool is a pool of gammazero/workerpool, whose queue has no bound.
func Workerpool() Contender {
	return Contender{Name: NameWorkerpool, Lazy: true, Open: func(size int, work Work) (Pool, error) {
		return &workerPool{pool: workerpool.New(size), work: work}, nil
	}}
}

type workerPool struct {
	pool *workerpool.WorkerPool
	work Work
}

func (p *workerPool) Tell(n int) error { return p.pool.Do(p.work.Func(n)) }

func (p *workerPool) Close() error {
	p.pool.StopWait()
	return nil
}
