package supervision_test

import (
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

// hostile is user code that does what a test tells it to.
type hostile struct {
	released chan struct{} // closed at the end of the test

	mu    sync.Mutex
	do    func() // guarded by mu; nil: nothing
	calls int    // guarded by mu
}

func newHostile(t *testing.T) *hostile {
	h := &hostile{released: make(chan struct{})}
	t.Cleanup(h.release)
	return h
}

// release lets the calls that block return.
func (h *hostile) release() {
	select {
	case <-h.released:
	default:
		close(h.released)
	}
	synctest.Wait()
}

// become sets what further calls do.
func (h *hostile) become(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.do = do
}

// once sets what the next call does.
func (h *hostile) once(do func()) {
	h.become(func() {
		h.become(nil)
		do()
	})
}

func (h *hostile) block() { <-h.released }

func (h *hostile) call() {
	h.mu.Lock()
	do := h.do
	h.calls++
	h.mu.Unlock()
	if do != nil {
		do()
	}
}

// called returns how many calls there were.
func (h *hostile) called() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.calls
}

// produce is the constructor of a worker that does what it is sent.
func (h *hostile) produce() actor.Actor {
	h.call()
	return actor.ReceiveFunc(func(ctx actor.Context) {
		if do, ok := ctx.Message().(pooltest.Deed); ok {
			do(ctx)
		}
	})
}

// faults are what user code does instead of returning.
func (h *hostile) faults() map[string]func() {
	return map[string]func(){
		"panics":     func() { panic("no") },
		"exits":      runtime.Goexit,
		"blocks":     h.block,
		"panics nil": func() { panic(nil) }, //nolint:govet // what it is about
	}
}

// hostilePool is a pool of actors with a hostile constructor.
type hostilePool struct {
	*pooltest.Actors
	*hostile
	t *testing.T
}

// startHostile starts a pool whose constructor behaves well at first.
func startHostile(t *testing.T, opts ...actors.Option) *hostilePool {
	t.Helper()
	p := &hostilePool{Actors: pooltest.NewActors(t), hostile: newHostile(t), t: t}
	pid, err := p.System.Root.SpawnNamed(actors.PropsFromProducer(p.produce, opts...), "workers")
	require.NoError(t, err)
	p.PID = pid
	t.Cleanup(p.end)
	return p
}

// ask sends the pool a message and returns the answer.
func (p *hostilePool) ask(message any) any {
	p.t.Helper()
	answer, err := p.System.Root.RequestFuture(p.PID, message, time.Minute).Result()
	require.NoError(p.t, err)
	return answer
}

// resize resizes the pool and returns the error.
func (p *hostilePool) resize(size int) error {
	p.t.Helper()
	if refused, ok := p.ask(&messages.Resize{Size: size}).(*messages.Result); ok {
		return refused.Err
	}
	return nil
}

// size returns how many workers take tasks.
func (p *hostilePool) size() int {
	p.t.Helper()
	synctest.Wait()
	return p.Stats().Size
}

// post sends the pool's actor a message of the actor system.
func (p *hostilePool) post(message any) {
	process, _ := p.System.ProcessRegistry.GetLocal(p.PID.Id)
	process.SendSystemMessage(p.PID, message)
	synctest.Wait()
}

// end stops the pool, which must end at once, whatever user code does.
func (p *hostilePool) end() {
	began := time.Now()
	require.NoError(p.t, pooltest.Stopped(p.System.Root.StopFuture(p.PID)))
	assert.Zero(p.t, time.Since(began))
}

// pause waits until all that happens within a time has happened.
func pause(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// stopSelf is a task after which its worker has to be replaced.
func stopSelf(ctx actor.Context) { ctx.Stop(ctx.Self()) }

// names returns how many actors have names that begin like those of workers.
func (p *hostilePool) names() int {
	synctest.Wait()
	n := 0
	for i := range 100 {
		if _, ok := p.System.ProcessRegistry.GetLocal(p.PID.Id + "/supervisor/" + strconv.Itoa(i)); ok {
			n++
		}
	}
	return n
}
