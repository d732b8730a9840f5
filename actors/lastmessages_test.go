package actors_test

import (
	"runtime"
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

// These tests state how a worker ends, whatever its actor does at the end: its children are
// stopped, its name is free, its watchers are told, and it hears of its end once.

// dying is a user's actor with a child, which misbehaves at Stopping.
type dying struct {
	at    func() // called at Stopping
	hold  chan struct{}
	heard *[]string
	child **actor.PID
}

func (d dying) Receive(ctx actor.Context) {
	switch message := ctx.Message().(type) {
	case *actor.Started:
		*d.child = ctx.Spawn(actor.PropsFromFunc(func(actor.Context) {}))
		ctx.SetReceiveTimeout(time.Hour)
	case *messages.Task:
		<-d.hold
	case *actor.Stopping:
		*d.heard = append(*d.heard, "Stopping")
		d.at()
	case *actor.Stopped:
		*d.heard = append(*d.heard, "Stopped")
	case *actor.Terminated:
		*d.heard = append(*d.heard, "Terminated")
	case string:
		if message == "stop" {
			ctx.Stop(ctx.Self())
		}
	}
}

func TestAWorkerEndsWhateverItDoesAtTheEnd(t *testing.T) {
	for name, at := range map[string]func(){"panics": func() { panic("last rites") }, "exits": runtime.Goexit} {
		for _, abandoned := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					root := pooltest.System().Root
					var heard []string
					var child *actor.PID
					first, hold := true, make(chan struct{})
					pool := pooltest.Spawn(t, root, actors.PropsFromProducer(func() actor.Actor {
						if !first {
							return actor.ReceiveFunc(func(actor.Context) {})
						}
						first = false
						return dying{at, hold, &heard, &child}
					}, actors.WithSize(1), actors.WithWatchdog(actors.Watchdog{Grace: time.Second})))
					worker := root.ActorSystem().NewLocalPID(pool.Id + "/supervisor/1")
					watched := make(chan *actor.Terminated, 2)
					watcher := root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
						switch message := ctx.Message().(type) {
						case *actor.Started:
							ctx.Watch(worker)
						case *actor.Terminated:
							watched <- message
						}
					}))
					synctest.Wait()
					if abandoned {
						root.Send(pool, &messages.Task{Timeout: time.Second})
						time.Sleep(3 * time.Second)
						close(hold)
					} else {
						root.Send(pool, "stop")
					}
					time.Sleep(time.Second)
					synctest.Wait()
					require.Len(t, watched, 1, "the watcher was told")
					_, exists := root.ActorSystem().ProcessRegistry.GetLocal(worker.Id)
					assert.False(t, exists, "the name is free")
					_, exists = root.ActorSystem().ProcessRegistry.GetLocal(child.Id)
					assert.False(t, exists, "the child has stopped")
					assert.Equal(t, "Stopping", heard[0])
					assert.Equal(t, 1, count(heard, "Stopped"), "%v", heard)
					require.NoError(t, root.StopFuture(watcher).Wait())
				})
			})
		}
	}
}

func count(list []string, what string) (n int) {
	for _, one := range list {
		if one == what {
			n++
		}
	}
	return n
}
