package soak_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/directory"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// holders is the life of a pool of user actors, which hold and fail their tasks.
type holders struct {
	*count
	t    *testing.T
	root *actor.RootContext
	pool *actor.PID
	left atomic.Int64 // tasks to be submitted
}

func runHolders(t *testing.T, tasks int, dispatch router.Dispatch, held int) *count {
	t.Helper()
	root := pooltest.System().Root
	h := &holders{count: newCount(), t: t, root: root}
	h.left.Store(int64(tasks))
	mood := new(changeable)
	h.pool = root.Spawn(actors.PropsFromProducer(func() actor.Actor { return actor.ReceiveFunc(h.receive) },
		actors.WithSize(4), actors.WithDispatch(dispatch), actors.WithQueue(64, actors.Reject), actors.WithMaxHeld(held), actors.WithErrorResponses(),
		actors.WithTaskTimeout(20*time.Millisecond), actors.WithSupervision(mood), retry, quarantine, breaker))
	pools := directory.Pools(root.ActorSystem())
	pool := pools[len(pools)-1]
	over := make(chan struct{})
	var producers, others sync.WaitGroup
	for range producerCount {
		producers.Go(h.produce)
	}
	others.Go(func() { h.chaos(mood, over) })
	producers.Wait()
	close(over)
	others.Wait()
	require.NoError(t, root.PoisonFuture(h.pool).Wait())
	h.stats = pool.Stats()
	s := &h.stats
	assert.True(t, s.Balanced() && s.Queued+s.Running == 0, "%+v", s)
	assert.Equal(t, h.accepted+h.rejected, s.Submitted+s.Rejected)
	h.accepted, h.rejected = s.Submitted, s.Rejected
	return h.count
}

// A heldAnswer is what a worker answers, a refusalError an error response.
type heldAnswer struct{ id string }

type refusalError struct{ heldAnswer }

func (refusalError) Error() string { return "refused" }

// produce requests tasks, one at a time, until there are none left. Every one is answered.
func (h *holders) produce() {
	type heard struct {
		id      string
		outcome messages.Outcome
	}
	answers := make(chan heard, 1000)
	client := h.root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch answer := ctx.Message().(type) {
		case *messages.Result:
			answers <- heard{answer.TaskID, answer.Outcome}
		case refusalError:
			answers <- heard{answer.id, messages.Failed}
		case heldAnswer:
			answers <- heard{answer.id, messages.Succeeded}
		}
	}))
	for n := h.left.Add(-1); n >= 0; n = h.left.Add(-1) {
		fault, id := drawFault(), strconv.FormatInt(n, 10)
		h.inject(faultNames[fault])
		h.root.RequestWithCustomSender(h.pool, &messages.Task{ID: id, Payload: newDeed(fault), Timeout: time.Second}, client)
		h.submitted(nil)
		late := time.NewTimer(time.Minute)
		for answered := false; !answered; {
			select {
			case answer := <-answers: // maybe the second one of a task before
				if answered = answer.id == id; answered && answer.outcome != messages.Rejected {
					h.hear(answer.outcome)
				}
			case <-late.C:
				assert.Fail(h.t, "no answer", "task %v, %v", id, faultNames[fault])
				answered = true
			}
		}
		late.Stop()
	}
	assert.NoError(h.t, h.root.StopFuture(client).Wait())
}

// receive performs a task in one of the ways that a worker has.
func (h *holders) receive(ctx actor.Context) {
	switch message := ctx.Message().(type) {
	case error:
		panic(message)
	case *messages.Task:
		d := message.Payload.(deedOf)
		switch {
		case d.fault == timesOut, d.fault == isCanceled, d.fault == ignoresContext:
			actors.Hold(ctx) // and forgets it
		case d.fault == panicsAlways && rand.N(2) == 0:
			actors.Hold(ctx)
			ctx.Send(ctx.Self(), pooltest.ErrTask)
		case rand.N(2) == 0:
			h.later(ctx, message.ID, d)
		default:
			_, err := perform(context.Background(), d)
			if err != nil && rand.N(2) == 0 {
				actors.Fail(ctx, err)
				return
			}
			ctx.Respond(answerOf(message.ID, err))
		}
	}
}

// later holds a task and ends it: by a continuation, or on another goroutine.
func (h *holders) later(ctx actor.Context, id string, d deedOf) {
	held, sender := actors.Hold(ctx), ctx.Sender()
	err := error(nil)
	if d.fault == failsAlways || d.fault == failsOnce && d.attempt.Add(1) == 1 {
		err = pooltest.ErrTask
	}
	wait := time.Duration(rand.N(500)) * time.Microsecond
	if rand.N(2) == 0 {
		future := actor.NewFuture(ctx.ActorSystem(), time.Minute)
		ctx.ReenterAfter(future, func(any, error) {
			if held.Context().Err() == nil { // else the sender has heard of it
				ctx.Respond(answerOf(id, err))
			}
			held.Done(nil)
		})
		time.AfterFunc(wait, func() { h.root.Send(future.PID(), 1) })
		return
	}
	time.AfterFunc(wait, func() {
		if err == nil {
			h.root.Send(sender, heldAnswer{id})
		}
		held.Done(err)
	})
}

func answerOf(id string, err error) any {
	if err != nil {
		return refusalError{heldAnswer{id}}
	}
	return heldAnswer{id}
}

// chaos disturbs the pool until it is over.
func (h *holders) chaos(mood *changeable, over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		case <-time.After(time.Duration(rand.N(1500)) * time.Microsecond):
		}
		switch rand.N(4) {
		case 0:
			h.inject("resize")
			h.root.Send(h.pool, &messages.Resize{Size: 1 + rand.N(8)})
		case 1:
			h.inject("another strategy")
			mood.mood.Add(1)
		default:
			answer, err := h.root.RequestFuture(h.pool, &messages.GetStats{}, time.Minute).Result()
			if !assert.NoError(h.t, err) {
				return
			}
			workers := answer.(*messages.Stats).Workers
			if len(workers) == 0 {
				continue
			}
			worker := actor.NewPID(h.pool.Address, workers[rand.N(len(workers))].ID)
			if rand.N(2) == 0 {
				h.inject("stop of a worker")
				h.root.Stop(worker)
			} else {
				h.inject("poison of a worker")
				h.root.Poison(worker)
			}
		}
	}
}
