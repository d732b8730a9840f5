package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/messages"
)

// chaos kills, stops and restarts parts of a shop at random.
type chaos struct {
	*rand.Rand
	system *actor.ActorSystem
	done   map[string]int // by what was done
}

func (c *chaos) named(name string) *actor.PID { return c.system.NewLocalPID("shop/" + name) }

// one returns a worker or routee of a pool at random; nil: the pool did not answer.
func (c *chaos) one(pool *actor.PID) *actor.PID {
	answer, err := c.system.Root.RequestFuture(pool, &protorouter.GetRoutees{}, time.Second).Result()
	routees, is := answer.(*protorouter.Routees)
	if err != nil || !is || len(routees.PIDs) == 0 {
		return nil
	}
	return routees.PIDs[c.IntN(len(routees.PIDs))]
}

// harm does something to an actor.
func (c *chaos) harm(pid *actor.PID) string {
	switch c.IntN(3) {
	case 0:
		c.system.Root.Stop(pid)
		return "stop"
	case 1:
		c.system.Root.Poison(pid)
		return "poison"
	default:
		c.restart(pid)
		return "restart"
	}
}

// restart does what a parent does when its strategy says so.
func (c *chaos) restart(pid *actor.PID) {
	if process, is := c.system.ProcessRegistry.Get(pid); is {
		process.SendSystemMessage(pid, &actor.Restart{})
	}
}

// strike does one evil thing.
func (c *chaos) strike() {
	name := []string{"clerks", "payments", "depots", "announcements", "carriers"}[c.IntN(5)]
	pool := c.named(name)
	var what string
	switch c.IntN(12) {
	case 0:
		what = "restart pool of"
		c.restart(pool)
	case 1:
		what = "resize"
		c.system.Root.Send(pool, &messages.Resize{Size: 1 + c.IntN(6)}) // pools of routees refuse
	case 2:
		what = "pause"
		c.system.Root.Send(pool, &messages.Pause{})
		time.Sleep(time.Duration(c.IntN(20)) * time.Millisecond)
		c.system.Root.Send(pool, &messages.Resume{})
	default:
		pid := c.one(pool)
		if pid == nil {
			return
		}
		what = c.harm(pid) + " one of"
	}
	c.done[what+" "+name]++
}

// rage strikes until the day is over.
func (c *chaos) rage(over <-chan struct{}) {
	for range 100 {
		select {
		case <-over:
			return
		case <-time.After(time.Duration(c.IntN(10_000)) * time.Microsecond):
			c.strike()
		}
	}
}

func TestTheBooksBalanceWhateverDies(t *testing.T) {
	seeds := 20
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			virtually(t, func(t *testing.T) { disaster(t, uint64(seed)) })
		})
	}
}

// disaster is one day.
func disaster(t *testing.T, seed uint64) {
	const orders = 600
	line := make([]*order, orders)
	for i := range line {
		line[i] = newOrder(i, orders)
	}
	system := actor.NewActorSystem(actor.WithLoggerFactory(quiet))
	defer system.Shutdown()
	c := &chaos{Rand: rand.New(rand.NewPCG(seed, 17)), system: system, done: make(map[string]int)}
	over, calm := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(calm)
		c.rage(over)
	}()
	d, err := serve(t.Context(), system, io.Discard, line)
	close(over)
	<-calm
	require.NoError(t, err)
	require.Len(t, d.ledger.answers, orders)
	fates := make(map[fate]int)
	for _, a := range d.ledger.answers {
		fates[a.fate()]++
	}
	assert.NoError(t, d.check(), fmt.Sprint(fates, c.done))
	assert.Positive(t, fates[sold])
}
