package contender

import (
	"context"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/router"
)

// Troupe is Troupe with its defaults, and with whatever options a workload adds.
func Troupe(options ...actors.Option) Contender {
	return Contender{Name: NameTroupe, Open: func(size int, work Work) (Pool, error) {
		return openTroupe(size, work, options)
	}}
}

// TroupeRoundRobin is Troupe with the dispatch that most routers have.
func TroupeRoundRobin(options ...actors.Option) Contender {
	options = append([]actors.Option{actors.WithDispatch(router.RoundRobin())}, options...)
	c := Troupe(options...)
	c.Name = NameRoundRobin
	return c
}

// TroupeRandom is Troupe with random dispatch.
func TroupeRandom() Contender {
	c := Troupe(actors.WithDispatch(router.Random()))
	c.Name = NameRandom
	return c
}

// TroupeTasks is Troupe with options on each task: the options of task n are at n
// modulo the number of sets.
func TroupeTasks(name string, sets [][]actors.TaskOption, options ...actors.Option) Contender {
	return Contender{Name: name, Open: func(size int, work Work) (Pool, error) {
		pool, err := openTroupe(size, work, options)
		if err != nil {
			return nil, err
		}
		return &optioned{troupe: pool, sets: sets}, nil
	}}
}

type troupe struct {
	*actors.Pool[int, int]
}

func openTroupe(size int, work Work, options []actors.Option) (*troupe, error) {
	pool, err := NewTroupe(size, work.Do, options...)
	if err != nil {
		return nil, err
	}
	return &troupe{pool}, nil
}

// NewTroupe opens a pool for a workload that only Troupe can do. A task returns its
// number.
func NewTroupe(size int, do func(n int), options ...actors.Option) (*actors.Pool[int, int], error) {
	handler := func(_ context.Context, n int) (int, error) {
		do(n)
		return n, nil
	}
	options = append([]actors.Option{actors.WithSize(size)}, options...)
	return actors.NewPool(silentSystem().Root, handler, options...)
}

// echo is the handler of a pool to which actors send tasks.
func echo(_ context.Context, in *Plain) (*Plain, error) { return in, nil }

func (t *troupe) Tell(n int) error { return t.Pool.Tell(context.Background(), n) }

func (t *troupe) Close() error {
	t.Pool.Close()
	return nil
}

// optioned is a pool whose tasks have options. It is a type of its own so that plain
// tasks do not pay for the choice.
type optioned struct {
	*troupe
	sets [][]actors.TaskOption
}

func (o *optioned) Tell(n int) error {
	return o.Pool.Tell(context.Background(), n, o.sets[n%len(o.sets)]...)
}
