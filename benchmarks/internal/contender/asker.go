package contender

import (
	"context"
	"time"

	"github.com/alitto/pond/v2"
	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/gammazero/workerpool"

	"github.com/troupe-go/troupe/actors"
)

// Ask submits a task and waits for its answer, which is n.
type Ask func(n int) (int, error)

// An Asking is a pool whose answers are waited for.
type Asking struct {
	// Caller returns the way for one goroutine to ask. It may keep what that
	// goroutine can use again, such as a channel for the answers.
	Caller func() Ask
	// Close ends the pool.
	Close func() error
}

// An Asker is a kind of pool whose answers are waited for.
type Asker struct {
	Name string
	// Answers says whether a task returns a value; else Ask only waits for its end.
	Answers bool
	Open    func(size int) (Asking, error)
}

// Askers are Troupe, the peers that one can wait for, and, as the floor, a bare
// channel with one for the replies.
func Askers() []Asker {
	return []Asker{
		{Name: NameTroupe, Answers: true, Open: openTroupeAsk},
		{Name: NamePond, Answers: true, Open: openPondAsk},
		{Name: NameSubmitWait, Open: openSubmitWait},
		{Name: NameGoroutine, Answers: true, Open: openGoroutineAsk},
		{Name: NameFuture, Answers: true, Open: openFutureAsk},
		{Name: NameBareReplies, Answers: true, Open: openChannelAsk},
	}
}

func openTroupeAsk(size int) (Asking, error) {
	pool, err := openTroupe(size, Same(func() {}), nil)
	if err != nil {
		return Asking{}, err
	}
	ask := func(n int) (int, error) { return pool.Ask(context.Background(), n) }
	return Asking{Caller: func() Ask { return ask }, Close: pool.Close}, nil
}

func openPondAsk(size int) (Asking, error) {
	pool := pond.NewResultPool[int](size)
	caller := func() Ask {
		var in int
		task := func() int { return in }
		return func(n int) (int, error) {
			in = n
			return pool.Submit(task).Wait()
		}
	}
	return Asking{Caller: caller, Close: func() error {
		pool.StopAndWait()
		return nil
	}}, nil
}

func openSubmitWait(size int) (Asking, error) {
	pool := workerpool.New(size)
	ask := func(n int) (int, error) { return n, pool.DoWait(func() {}) }
	return Asking{Caller: func() Ask { return ask }, Close: func() error {
		pool.StopWait()
		return nil
	}}, nil
}

func openGoroutineAsk(size int) (Asking, error) {
	slots := make(chan struct{}, size)
	var ask Ask = func(n int) (int, error) {
		reply := make(chan int, 1)
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			reply <- n
		}()
		return <-reply, nil
	}
	return Asking{Caller: func() Ask { return ask }, Close: func() error { return nil }}, nil
}

func openFutureAsk(size int) (Asking, error) {
	system := silentSystem()
	pid := system.Root.Spawn(protorouter.NewRoundRobinPool(size, actor.WithFunc(func(ctx actor.Context) {
		if m, ok := ctx.Message().(*Plain); ok {
			ctx.Respond(m)
		}
	})))
	caller := func() Ask {
		message := new(Plain) // one for each caller, who has only one request in flight
		return func(n int) (int, error) {
			message.N = n
			answer, err := system.Root.RequestFuture(pid, message, time.Minute).Result()
			if err != nil {
				return 0, err
			}
			return answer.(*Plain).N, nil
		}
	}
	return Asking{Caller: caller, Close: func() error { return stopActor(system, pid) }}, nil
}

func openChannelAsk(size int) (Asking, error) {
	type call struct {
		n     int
		reply chan int
	}
	calls := make(chan call, actors.DefaultCapacity)
	for range size {
		go func() {
			for c := range calls {
				c.reply <- c.n
			}
		}()
	}
	caller := func() Ask {
		reply := make(chan int, 1)
		return func(n int) (int, error) {
			calls <- call{n, reply}
			return <-reply, nil
		}
	}
	return Asking{Caller: caller, Close: func() error {
		close(calls)
		return nil
	}}, nil
}
