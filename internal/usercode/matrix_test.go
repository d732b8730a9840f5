package usercode_test

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A place is one place where a pool calls user code.
type place struct {
	name    string
	options func(s *fixture) []actors.Option
	// produce makes the workers, if they are actors; nil: the pool has a handler.
	produce func(s *fixture) actor.Producer
	// state makes the states of workers; nil: they have none.
	state func(s *fixture) (*holder, error)
	// funcs says that the pool is a FuncPool.
	funcs bool
	// trigger makes the pool call the code. It runs on a goroutine of its own, which the
	// code may end or block if that is the goroutine of a caller.
	trigger func(s *fixture)
	// starts says that the pool calls the code when it starts, before trigger.
	starts bool
}

// ways are the ways in which user code can misbehave.
func ways() map[string]func(s *fixture) {
	return map[string]func(s *fixture){
		"panics":  func(*fixture) { panic("user code") },
		"exits":   func(*fixture) { runtime.Goexit() },
		"blocks":  func(s *fixture) { <-s.release },
		"reenter": func(s *fixture) { s.reenter() },
	}
}

// A fixture is a pool whose user code misbehaves once.
type fixture struct {
	t       *testing.T
	system  *actor.ActorSystem
	pid     *actor.PID
	pool    *actors.Pool[work, int] // nil: the workers are actors, or the tasks are functions
	funcs   *actors.FuncPool        // nil: the tasks are no functions
	typed   typed                   // pool or funcs; nil: the workers are actors
	way     func(s *fixture)
	armed   atomic.Bool
	reached atomic.Bool
	failed  atomic.Int32 // starts
	release chan struct{}
	started chan struct{} // closed when pid and the pool are set
}

// typed is what a Pool and a FuncPool have in common.
type typed interface {
	PID() *actor.PID
	Stats() messages.Stats
	Load() messages.Load
	Resize(ctx context.Context, size int) error
	Shutdown(ctx context.Context) (messages.DrainReport, error)
	Done() <-chan struct{}
}

// work is a task of a pool with a handler.
type work func(ctx context.Context) (int, error)

func do(ctx context.Context, w work) (int, error) { return w(ctx) }

// harm misbehaves, the first time after the fixture was armed.
func (s *fixture) harm() {
	if s.armed.CompareAndSwap(true, false) {
		s.reached.Store(true)
		s.way(s)
	}
}

// reenter calls back into the pool.
func (s *fixture) reenter() {
	<-s.started
	s.system.Root.Send(s.pid, &messages.Pause{})
	s.system.Root.Send(s.pid, messages.Resume{})
	_, _ = s.system.Root.RequestFuture(s.pid, &messages.GetStats{}, time.Second).Result()
	if s.typed == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.typed.Stats()
	s.typed.Load()
	if s.funcs != nil {
		_ = s.funcs.Go(ctx, func(context.Context) error { return nil }, actors.NoWait())
	} else {
		_ = s.pool.Tell(ctx, func(context.Context) (int, error) { return 0, nil }, actors.NoWait())
	}
	_ = s.typed.Resize(ctx, 3)
}

// ask sends the pool a message and returns the answer, or nil if there is none in a minute.
//
// A future of Proto.Actor would not do: a second answer to it is a data race.
func (s *fixture) ask(message any) any {
	answers := make(chan any, 10)
	asker := s.system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case actor.SystemMessage, actor.AutoReceiveMessage: // of the asker's own life
		default:
			answers <- ctx.Message()
		}
	}))
	defer s.system.Root.Stop(asker)
	s.system.Root.RequestWithCustomSender(s.pid, message, asker)
	select {
	case answer := <-answers:
		return answer
	case <-time.After(time.Minute):
		return nil
	}
}

// healthy is a task that succeeds.
func (s *fixture) healthy() any {
	switch {
	case s.typed == nil:
		return pooltest.Deed(func(ctx actor.Context) { ctx.Respond("well") })
	case s.funcs != nil:
		return func(context.Context) error { return nil }
	}
	return work(func(context.Context) (int, error) { return 1, nil })
}

// start starts the pool of a place.
func (s *fixture) start(p *place) {
	options := append([]actors.Option{
		actors.WithSize(3), actors.WithWatchdog(actors.Watchdog{Grace: time.Second}),
	}, p.options(s)...)
	if p.produce != nil {
		pid, err := s.system.Root.SpawnNamed(actors.PropsFromProducer(p.produce(s), options...), "pool")
		require.NoError(s.t, err)
		s.pid = pid
		return
	}
	var err error
	switch {
	case p.funcs:
		s.funcs, err = actors.NewFuncPool(s.system.Root, options...)
		s.typed = s.funcs
	case p.state != nil:
		s.pool, err = actors.NewPoolOf(s.system.Root, func(context.Context) (*holder, error) { return p.state(s) }, options...)
		s.typed = s.pool
	default:
		s.pool, err = actors.NewPool(s.system.Root, do, options...)
		s.typed = s.pool
	}
	require.NoError(s.t, err)
	s.pid = s.typed.PID()
}

// TestUserCodeMayDoAnything states, for each place and each way: the process lives, the pool
// goes on with other tasks, whoever waits is told, the pool obeys, the ledger balances, and
// nothing is left behind.
func TestUserCodeMayDoAnything(t *testing.T) {
	for _, p := range slices.Concat(handlerPlaces(), actorPlaces(), routeePlaces(), workerPlaces(), funcPlaces()) {
		for name, way := range ways() {
			t.Run(p.name+"/"+name, func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) { check(t, &p, way) })
			})
		}
	}
}

func check(t *testing.T, p *place, way func(*fixture)) {
	s := &fixture{t: t, system: pooltest.System(), way: way, release: make(chan struct{}), started: make(chan struct{})}
	s.armed.Store(p.starts)
	s.start(p)
	close(s.started)
	if !p.starts {
		s.armed.Store(true)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		p.trigger(s)
	}()
	// In the end the pool stops, and whoever waits is told.
	defer func() {
		s.end()
		close(s.release)
		<-over
		s.gone()
	}()
	time.Sleep(5 * time.Second) // more than every limit that the pool sets
	synctest.Wait()
	require.True(t, s.reached.Load(), "the code was called")
	assert.False(t, s.armed.Load())

	// The pool goes on.
	for range 4 {
		synctest.Wait() // a worker is free a moment after its answer, and some pools have no queue
		answer := s.ask(s.healthy())
		require.NotNil(t, answer, "a task is answered")
		if result, ok := answer.(*messages.Result); ok {
			require.NoError(t, result.Err)
		}
	}
	stats, ok := s.ask(&messages.GetStats{}).(*messages.Stats)
	require.True(t, ok, "GetStats is answered")
	assert.True(t, stats.Balanced(), "%+v", stats)
	require.IsType(t, &messages.Resized{}, s.ask(messages.Resize{Size: 4}), "Resize is answered")
}

// end stops the pool. User code may still block.
func (s *fixture) end() {
	if s.typed == nil {
		s.system.Root.Stop(s.pid)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err := s.typed.Shutdown(ctx)
	assert.True(s.t, err == nil || err == context.DeadlineExceeded, "Shutdown is answered: %v", err)
}

// gone waits until the pool has stopped.
func (s *fixture) gone() {
	if s.typed == nil {
		require.NoError(s.t, s.system.Root.StopFuture(s.pid).Wait())
		return
	}
	<-s.typed.Done()
	stats := s.typed.Stats()
	assert.True(s.t, stats.Balanced(), "%+v", stats)
	assert.Zero(s.t, stats.Queued+stats.Running, "all settled: %+v", stats)
}
