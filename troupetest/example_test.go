package troupetest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/troupetest"
)

func shout(_ context.Context, text string) (string, error) {
	if text == "" {
		return "", errors.New("nothing to say")
	}
	return strings.ToUpper(text), nil
}

// A test of a handler. At its end, the pool is stopped and checked.
func TestShout(t *testing.T) {
	pool := troupetest.New(t, shout, actors.WithSize(2))

	if text, err := pool.Ask(t.Context(), "hello"); text != "HELLO" || err != nil {
		t.Error(text, err)
	}
	if _, err := pool.Ask(t.Context(), "", actors.ID("silence")); err == nil {
		t.Error("no error")
	}
	if outcome := pool.Task("silence").Outcome; outcome != messages.Failed {
		t.Error(outcome)
	}
}

// A test in virtual time: the hours between the attempts pass at once.
func TestUnreachableShopIsCalledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := time.Now().Add(2 * time.Hour)
		order := func(_ context.Context, dish string) (string, error) {
			if time.Now().Before(open) {
				return "", errors.New("closed")
			}
			return "a plate of " + dish, nil
		}
		pool := troupetest.New(t, order, actors.WithRetry(actors.Retry{Attempts: 5, Min: time.Hour, Max: time.Hour}))

		dish, err := pool.Ask(t.Context(), "soup", actors.ID("order-7"))
		if dish != "a plate of soup" || err != nil {
			t.Error(dish, err)
		}
		task := pool.Task("order-7")
		if len(task.Attempts) != 3 || task.Attempts[0].Outcome != messages.Failed {
			t.Errorf("%+v", task.Attempts) // it failed twice, then it succeeded
		}
		if took := task.Settled.Sub(task.Accepted); took < 2*time.Hour {
			t.Error(took)
		}
	})
}

// A till counts the coins of one worker.
type till struct{ coins int }

func (t *till) Handle(_ context.Context, coins int) (int, error) {
	t.coins += coins
	return t.coins, nil
}

func (t *till) Close() error {
	t.coins = 0
	return nil
}

// A test of a Worker. At the end, the pool has closed each till once, or the test fails.
func TestTillCountsCoins(t *testing.T) {
	open := func(context.Context) (*till, error) { return new(till), nil }
	pool := troupetest.NewPoolOf(t, nil, open, actors.WithSize(1), actors.WithMaxTasks(2))

	total := 0
	for sum, err := range pool.Map(t.Context(), slices.Values([]int{5, 10, 20})) {
		if err != nil {
			t.Error(err)
		}
		total = sum
	}
	if total != 20 { // the worker got another till after two tasks
		t.Error(total)
	}
	if first, last := pool.Records()[0], pool.Records()[2]; first.Worker != last.Worker {
		t.Error(first.Worker, last.Worker)
	}
}

// visitAll visits pages with the workers of a pool.
func visitAll(ctx context.Context, pool *actors.FuncPool, visit func(context.Context, string) error, pages ...string) error {
	group := pool.Group(ctx)
	for _, page := range pages {
		group.Go(func(ctx context.Context) error { return visit(ctx, page) }, actors.ID(page))
	}
	return group.Wait()
}

// A test of code that uses a pool of functions.
func TestVisitAllVisitsThePagesAfterAnError(t *testing.T) {
	pool := troupetest.NewFuncPool(t, nil, actors.WithSize(1))
	errGone := errors.New("gone")

	err := visitAll(t.Context(), pool.FuncPool, func(_ context.Context, page string) error {
		if page == "/old" {
			return errGone
		}
		return nil
	}, "/old", "/new")

	if !errors.Is(err, errGone) {
		t.Error(err)
	}
	if outcome := pool.Task("/new").Outcome; outcome != messages.Succeeded {
		t.Error(outcome)
	}
}

// A newsroom publishes texts in the background.
type newsroom struct {
	pool *actors.Pool[string, string]
}

func (n *newsroom) publish(texts ...string) {
	go func() {
		for _, text := range texts {
			_ = n.pool.Tell(context.Background(), text)
		}
	}()
}

// A test of code that uses a pool.
func TestNewsroomPublishesEveryText(t *testing.T) {
	pool := troupetest.New(t, shout, actors.WithSize(1))
	room := &newsroom{pool: pool.Pool}

	room.publish("rain", "", "sun")

	settled := pool.WaitSettled(t.Context(), 3)
	if got := pool.Submitted(); strings.Join(got, ",") != "rain,,sun" {
		t.Error(got)
	}
	if settled[1].Outcome != messages.Failed || settled[1].Err.Error() != "nothing to say" {
		t.Error(settled[1])
	}
}

type waiter struct{}

func (waiter) Receive(ctx actor.Context) {
	if dish, ok := ctx.Message().(string); ok {
		ctx.Respond("here is your " + dish)
	}
}

// A cafe is an actor that spawns a pool of waiters.
type cafe struct{ waiters *actor.PID }

func (c *cafe) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		props := actors.PropsFromProducer(func() actor.Actor { return waiter{} }, actors.WithName("waiters"))
		c.waiters = ctx.Spawn(props)
	case string:
		ctx.Forward(c.waiters)
	}
}

// A test of an actor that has a pool of its own.
func TestCafeGivesOrdersToWaiters(t *testing.T) {
	system := actor.NewActorSystem()
	tasks := troupetest.RecordNamed(t, system, "waiters") // before the actor spawns the pool

	pid := system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { return new(cafe) }))
	answer, err := system.Root.RequestFuture(pid, "soup", time.Minute).Result()
	if answer != "here is your soup" || err != nil {
		t.Error(answer, err)
	}
	settled := tasks.WaitSettled(t.Context(), 1)
	if settled[0].In != "soup" || settled[0].Outcome != messages.Succeeded {
		t.Error(settled[0])
	}
	_ = system.Root.StopFuture(pid).Wait()
}
