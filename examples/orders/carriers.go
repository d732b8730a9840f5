package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/router"
)

// A carrier takes parcels. It is a worker with state: its number.
type carrier struct {
	number int64
	books  *books
}

const numCarriers = 3

// A parcel goes to a carrier.
type parcel struct{ order *order }

// Handle implements actors.Worker. Each carrier is stuck in traffic for every third order.
func (c *carrier) Handle(ctx context.Context, p *parcel) (string, error) {
	pause := 2 * time.Millisecond
	if int64(p.order.number)%numCarriers == c.number%numCarriers {
		pause = 80 * time.Millisecond
	}
	select {
	case <-time.After(pause):
	case <-ctx.Done(): // another carrier takes it
		return "", context.Cause(ctx)
	}
	if p.order.note == overseas {
		return "", errNoCarrier
	}
	name := fmt.Sprint("carrier ", c.number)
	c.books.book(p.order.number, name)
	return name, nil
}

// carriers are the props of a pool that asks one carrier, and after 5 ms without an answer the
// next one. Two may say yes: the first one in the books gets the parcel.
func carriers(b *books) *actor.Props {
	var made atomic.Int64
	produce := func(context.Context) (*carrier, error) { return &carrier{number: made.Add(1), books: b}, nil }
	return actors.PropsFromWorkers(produce,
		actors.WithName("carriers"),
		actors.WithSize(numCarriers),
		actors.WithDispatch(router.TailChopping(5*time.Millisecond, patience)),
		actors.WithQueue(1000, actors.Reject),
	)
}
