package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
)

// prices is a typed pool that looks up prices. A program of actors can have such pools, too.
type prices struct {
	pool    *actors.Pool[string, int]
	catalog map[string]int
	lookUps atomic.Int64
	longest atomic.Int64 // nanoseconds
}

// hedgeAfter is when a second worker looks up the same price: most look-ups take less.
const (
	lookUpTime = time.Millisecond
	hedgeAfter = 4 * time.Millisecond
	slowTime   = 80 * time.Millisecond
)

// openPrices opens the pool.
func openPrices(parent actor.SpawnerContext) (*prices, error) {
	p := &prices{catalog: catalog()}
	var err error
	p.pool, err = actors.NewPool(parent, p.lookUp,
		actors.WithName("prices"),
		actors.WithSize(8),
		actors.WithHedge(hedgeAfter),
		actors.WithMiddleware(p.measure),
	)
	return p, err
}

// lookUp is the handler. Every 20th look-up is slow, whatever it is for.
func (p *prices) lookUp(ctx context.Context, item string) (int, error) {
	cents, is := p.catalog[item]
	if !is {
		return 0, errUnknownItem
	}
	pause := lookUpTime
	if p.lookUps.Add(1)%20 == 0 {
		pause = slowTime
	}
	select {
	case <-time.After(pause):
	case <-ctx.Done(): // another worker was faster
		return 0, context.Cause(ctx)
	}
	return cents, nil
}

// measure is middleware. It remembers the longest look-up.
func (p *prices) measure(next actors.Handler[string, int]) actors.Handler[string, int] {
	return func(ctx context.Context, item string) (int, error) {
		begun := time.Now()
		defer func() {
			took := int64(time.Since(begun))
			for longest := p.longest.Load(); took > longest && !p.longest.CompareAndSwap(longest, took); {
				longest = p.longest.Load()
			}
		}()
		return next(ctx, item)
	}
}

// total returns the price of a list of items. It looks them up at the same time; the first one
// that fails cancels the others. It blocks, so an actor must not call it in Receive.
func (p *prices) total(ctx context.Context, items []string) (cents int, err error) {
	group := p.pool.Group(ctx, actors.FailFast())
	for _, item := range items {
		if err := group.Submit(item, actors.Idempotent()); err != nil {
			return 0, err
		}
	}
	for answer := range group.Answers() {
		cents += answer.Out
	}
	return cents, group.Wait()
}
