package soak_test

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/messages"
)

// client is an actor that sends tasks and gets results.
type client struct {
	st       *fixture
	pid      *actor.PID
	sent     atomic.Int64
	pending  sync.WaitGroup // requests that have no answer
	answered map[string]bool
	strays   int // second answers
}

func newClient(st *fixture) *client {
	c := &client{st: st, answered: make(map[string]bool)}
	c.pid = st.root.Spawn(actor.PropsFromFunc(c.receive))
	return c
}

func (c *client) request(d deedOf) {
	c.pending.Add(1)
	c.st.root.RequestWithCustomSender(c.st.pool.PID(), &messages.Task{
		ID: "r" + strconv.FormatInt(c.sent.Add(1), 10), Payload: d, Timeout: d.timeout(), Priority: rand.N(3),
	}, c.pid)
}

func (c *client) receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *messages.Result:
		c.st.result(msg)
		if c.answered[msg.TaskID] {
			c.strays++
			return
		}
		c.answered[msg.TaskID] = true
		c.pending.Done()
	case *actor.DeadLetterResponse: // the pool is gone
		c.pending.Done()
	}
}

// wait returns when every request has been answered, and no answer is on its way.
func (c *client) wait() {
	c.pending.Wait()
	assert.NoError(c.st.t, c.st.root.PoisonFuture(c.pid).Wait())
	assert.Zero(c.st.t, c.strays, "answered twice")
}
