package contender

import (
	"context"

	"github.com/troupe-go/troupe/actors"
)

// A worker has a value of its own, with the handler of NewTroupe's pools as its method.
type worker struct{ do func(n int) }

// Handle implements actors.Worker.
func (w *worker) Handle(_ context.Context, n int) (int, error) {
	w.do(n)
	return n, nil
}

// Stateful is Troupe with workers that have state, and defaults else.
func Stateful() Contender {
	return Contender{Name: NameStateful, Open: func(size int, work Work) (Pool, error) {
		pool, err := newStateful(size, work.Do)
		if err != nil {
			return nil, err
		}
		return &troupe{pool}, nil
	}}
}

// StatefulAskers are pools with and without state that are asked for answers.
func StatefulAskers() []Asker {
	return []Asker{
		{Name: NameTroupe, Answers: true, Open: openTroupeAsk},
		{Name: NameStateful, Answers: true, Open: openStatefulAsk},
	}
}

func openStatefulAsk(size int) (Asking, error) {
	pool, err := newStateful(size, func(int) {})
	if err != nil {
		return Asking{}, err
	}
	ask := func(n int) (int, error) { return pool.Ask(context.Background(), n) }
	return Asking{Caller: always(ask), Close: (&troupe{pool}).Close}, nil
}

func newStateful(size int, do func(n int)) (*actors.Pool[int, int], error) {
	produce := func(context.Context) (*worker, error) { return &worker{do}, nil }
	return actors.NewPoolOf(silentSystem().Root, produce, actors.WithSize(size))
}
