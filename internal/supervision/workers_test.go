package supervision_test

import (
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/request"
	"github.com/troupe-go/troupe/internal/supervision"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

var errSpawn = errors.New("no worker today")

// dataPlane is a data plane without tasks. It records the calls that change it.
type dataPlane struct {
	mu      sync.Mutex
	calls   []string
	workers []*actor.PID // in dispatch
	room    int          // workers that can still be spawned; then errSpawn
	faulty  bool         // Revive panics
	slow    bool         // new workers take a second to stop
	worked  bool         // what Remove reports
	stats   messages.Stats
}

func (d *dataPlane) record(call string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, call)
}

// recorded returns the calls since the last time.
func (d *dataPlane) recorded() []string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	calls := d.calls
	d.calls = nil
	return calls
}

func (d *dataPlane) NewWorker() *actor.Props {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.room == 0 {
		return actor.PropsFromFunc(func(actor.Context) {}, actor.WithSpawnFunc(
			func(*actor.ActorSystem, string, *actor.Props, actor.SpawnerContext) (*actor.PID, error) {
				return nil, errSpawn
			}))
	}
	d.room--
	slow := d.slow
	return actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Stopping); ok && slow {
			time.Sleep(time.Second)
		}
	})
}

func (d *dataPlane) Join(pid *actor.PID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.workers = append(d.workers, pid)
	d.calls = append(d.calls, "join")
}

// leave takes workers out of dispatch.
func (d *dataPlane) leave(stay int) []*actor.PID {
	d.mu.Lock()
	defer d.mu.Unlock()
	stay = min(stay, len(d.workers))
	leaving := d.workers[stay:]
	d.workers = d.workers[:stay:stay]
	return leaving
}

func (d *dataPlane) Retire(stay int) []*actor.PID {
	leaving := d.leave(stay)
	if len(leaving) > 0 {
		d.record("retire")
	}
	return leaving
}

func (d *dataPlane) Revive() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.faulty {
		panic("faulty")
	}
}

func (d *dataPlane) Size() int { return len(d.Routees()) }

func (d *dataPlane) Routees() []*actor.PID {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.workers
}

func (d *dataPlane) Remove(*actor.PID) (worked, abandoned, recycled bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.worked, false, false
}

func (d *dataPlane) Stats() *messages.Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	stats := d.stats
	return &stats
}

func (d *dataPlane) BeginResize()                             { d.record("begin") }
func (d *dataPlane) EndResize()                               { d.record("end") }
func (d *dataPlane) Replaced()                                { d.record("replaced") }
func (d *dataPlane) Fail(err error)                           { d.record("fail: " + err.Error()) }
func (d *dataPlane) Adopt(*actor.PID) *actor.Props            { return nil }
func (d *dataPlane) RetireWorker(*actor.PID) *actor.PID       { return nil }
func (d *dataPlane) IsBereft(*actor.PID) bool                 { return false }
func (d *dataPlane) Discard(*actor.PID)                       {}
func (d *dataPlane) EndVainWaits()                            {}
func (d *dataPlane) Lost(int)                                 {}
func (d *dataPlane) Wanted(int)                               {}
func (d *dataPlane) FailedStarts(*actor.PID) int              { return 0 }
func (d *dataPlane) Sideline(*actor.PID)                      {}
func (d *dataPlane) AddCounters(*actor.PID, map[string]int64) {}
func (d *dataPlane) PeakBusy() int                            { return 0 }
func (d *dataPlane) setRoom(n int)                            { d.mu.Lock(); d.room = n; d.mu.Unlock() }

func (d *dataPlane) setSlow() { d.mu.Lock(); d.slow = true; d.mu.Unlock() }

func (d *dataPlane) setFaulty() { d.mu.Lock(); d.faulty = true; d.mu.Unlock() }

func (d *dataPlane) setQueued(n int64) { d.mu.Lock(); d.stats.Queued = n; d.mu.Unlock() }

var _ supervision.Workers = (*dataPlane)(nil)

// supervised is a supervisor with a dataPlane.
type supervised struct {
	*dataPlane
	system    *actor.ActorSystem
	pid       *actor.PID
	pool      *pooltest.Inbox // stands for the pool's actor
	noWorkers int
}

// supervise starts a supervisor, and stops it at the end of the bubble.
func supervise(t *testing.T, cfg supervision.Config) *supervised {
	t.Helper()
	s := &supervised{dataPlane: &dataPlane{room: 1000, worked: true}, system: pooltest.System()}
	s.pool = pooltest.NewInbox(t, s.system.Root)
	cfg.Pool, cfg.PID, cfg.Workers, cfg.Kept = "pool", s.pool.PID, s, new(supervision.Kept)
	cfg.Routees = supervision.NewRoutees(nil)
	cfg.Deliverer = deliver.New(s.system, slog.New(slog.DiscardHandler), "pool")
	if cfg.Strategy == nil {
		cfg.Strategy = supervisor.OneForOne()
	}
	cfg.Started = func(err error) bool { return err != nil }
	cfg.NoWorkers = func() { s.noWorkers++ }
	s.pid = s.system.Root.Spawn(supervision.Props(cfg))
	synctest.Wait()
	t.Cleanup(func() { require.NoError(t, pooltest.Stopped(s.system.Root.StopFuture(s.pid))) })
	return s
}

// resize asks for another size as a pool does.
func (s *supervised) resize(size int) error {
	if refused, ok := s.ask(&messages.Resize{Size: size}).(*messages.Result); ok {
		return refused.Err
	}
	return nil
}

// ask makes a request as a pool does.
func (s *supervised) ask(message any) any {
	answers := make(chan any, 1)
	s.system.Root.Send(s.pid, request.New(message, func(answer any) { answers <- answer }))
	select {
	case answer := <-answers:
		return answer
	case <-time.After(time.Minute):
		return &messages.Result{Err: errors.New("no answer")}
	}
}
