package contender

import (
	"context"

	"github.com/troupe-go/troupe/actors"
)

// Closures returns work whose functions are closures, each of which is allocated for its
// task, as those of most programs are.
func Closures(do func(n int)) Work {
	return Work{
		Do:   do,
		Func: func(n int) func() { return func() { do(n) } },
	}
}

// FuncPool is Troupe's pool of functions. It is given closures, whatever the work has.
func FuncPool() Contender {
	return Contender{Name: NameFuncPool, Open: func(size int, work Work) (Pool, error) {
		functions, err := NewFuncPool(size)
		if err != nil {
			return nil, err
		}
		return &funcPool{pool: functions, do: work.Do}, nil
	}}
}

// NewFuncPool opens a pool of functions.
func NewFuncPool(size int) (*actors.FuncPool, error) {
	return actors.NewFuncPool(silentSystem().Root, actors.WithSize(size))
}

type funcPool struct {
	pool *actors.FuncPool
	do   func(n int)
}

func (p *funcPool) Tell(n int) error {
	do := p.do
	return p.pool.Go(context.Background(), func(context.Context) error {
		do(n)
		return nil
	})
}

func (p *funcPool) Close() error {
	p.pool.Close()
	return nil
}
