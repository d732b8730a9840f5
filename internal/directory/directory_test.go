package directory_test

import (
	"sync"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/directory"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
)

// pool is one that has an ID alone.
type pool struct {
	directory.Pool
	id string
}

func (p pool) PID() *actor.PID { return actor.NewPID("nonhost", p.id) }

func labels(entries []*directory.Entry) []string {
	list := []string{}
	for _, e := range entries {
		list = append(list, e.Label)
	}
	return list
}

// registered reports whether the directory is one of the system's processes.
func registered(system *actor.ActorSystem) bool {
	_, there := system.ProcessRegistry.GetLocal("troupe/directory")
	return there
}

func TestPoolsAreListedInTheOrderTheyJoined(t *testing.T) {
	system := pooltest.System()
	assert.Empty(t, directory.Pools(system))
	leaveA := directory.Join(system, pool{id: "1"}, "a")
	leaveB := directory.Join(system, pool{id: "2"}, "b")
	before := directory.Pools(system)
	assert.Equal(t, []string{"a", "b"}, labels(before))
	assert.Empty(t, directory.Pools(pooltest.System()), "each system has its own")
	leaveA()
	assert.Equal(t, []string{"b"}, labels(directory.Pools(system)))
	assert.Equal(t, []string{"a", "b"}, labels(before), "a list is a snapshot")
	leaveB()
	assert.Empty(t, directory.Pools(system))
}

func TestALabelIsTheNameUnlessAnotherPoolHasIt(t *testing.T) {
	system := pooltest.System()
	for _, p := range []struct{ id, called string }{{"1", "a"}, {"2", "a"}, {"x", "3"}, {"3", "a"}, {"3", "a"}} {
		t.Cleanup(directory.Join(system, pool{id: p.id}, p.called))
	}
	assert.Equal(t, []string{"a", "2", "3", "3#2", "3#3"}, labels(directory.Pools(system)))
}

func TestLabelsAreInUTF8AndUniqueNonetheless(t *testing.T) {
	system := pooltest.System()
	for _, called := range []string{"a\xff", "a\xfe", "a\ufffd"} {
		t.Cleanup(directory.Join(system, pool{id: "/" + called}, called))
	}
	assert.Equal(t, []string{"a\ufffd", "/a\ufffd", "/a\ufffd#2"}, labels(directory.Pools(system)))
}

func TestNothingIsLeftInTheSystemWhenTheLastHasLeft(t *testing.T) {
	system := pooltest.System()
	leave := directory.Join(system, pool{id: "1"}, "a")
	stop := directory.Watch(system, directory.Watcher{Joined: func(*directory.Entry) {}, Left: func(*directory.Entry) {}})
	assert.True(t, registered(system))
	leave()
	assert.True(t, registered(system), "somebody watches")
	stop()
	assert.False(t, registered(system))
}

func TestAWatcherIsToldOfThoseThatAreThereAndOfWhatComesAndGoes(t *testing.T) {
	system := pooltest.System()
	leaveA := directory.Join(system, pool{id: "1"}, "a")
	var told []string
	stop := directory.Watch(system, directory.Watcher{
		Joined: func(e *directory.Entry) { told = append(told, "+"+e.Label) },
		Left:   func(e *directory.Entry) { told = append(told, "-"+e.Label) },
	})
	leaveB := directory.Join(system, pool{id: "2"}, "b")
	leaveA()
	stop()
	leaveB()
	assert.Equal(t, []string{"+a", "+b", "-a"}, told)
}

// A process that has the directory's name by whatever chance is left alone.
func TestAnotherProcessOfThatNameIsLeftAlone(t *testing.T) {
	timelimit.Set(t)
	system := pooltest.System()
	child := make(chan *actor.PID, 1)
	parent, err := system.Root.SpawnNamed(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); ok {
			pid, _ := ctx.SpawnNamed(actor.PropsFromFunc(func(actor.Context) {}), "directory")
			child <- pid
		}
	}), "troupe")
	require.NoError(t, err)
	pid := <-child
	directory.Join(system, pool{id: "1"}, "a")()
	_, there := system.ProcessRegistry.Get(pid)
	assert.True(t, there)
	require.NoError(t, system.Root.StopFuture(parent).Wait())
}

// What is sent to the directory's name goes where messages without a receiver go.
func TestADirectoryTakesNoMessages(t *testing.T) {
	timelimit.Set(t)
	system := pooltest.System()
	defer directory.Join(system, pool{id: "1"}, "a")()
	letters := make(chan any, 10)
	sub := system.EventStream.Subscribe(func(event any) {
		if letter, ok := event.(*actor.DeadLetterEvent); ok {
			letters <- letter.Message
		}
	})
	defer system.EventStream.Unsubscribe(sub)
	pid := system.NewLocalPID("troupe/directory")
	system.Root.Send(pid, "hello")
	assert.Equal(t, "hello", <-letters)
	system.Root.Stop(pid)
	assert.Len(t, directory.Pools(system), 1)
}

// Pools and watchers come and go at once: a directory that is about to be closed, or has
// just been registered, is nobody's who joins.
func TestJoiningLeavingAndWatchingAtOnceLosesNobody(t *testing.T) {
	timelimit.Set(t)
	system := pooltest.System()
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 3000 {
				there := 0
				stop := func() {}
				if i == 0 {
					stop = directory.Watch(system, directory.Watcher{
						Joined: func(*directory.Entry) { there++ },
						Left:   func(*directory.Entry) { there-- },
					})
				}
				p := pool{id: string(rune('a' + i))}
				leave := directory.Join(system, p, "same")
				found := 0
				seen := make(map[string]bool)
				for _, e := range directory.Pools(system) {
					assert.False(t, seen[e.Label], "labels are unique")
					seen[e.Label] = true
					if e.PID().Id == p.id {
						found++
					}
				}
				assert.Equal(t, 1, found)
				leave()
				stop()
				assert.GreaterOrEqual(t, there, 0)
			}
		})
	}
	wg.Wait()
	assert.Empty(t, directory.Pools(system))
	assert.False(t, registered(system))
}

// The directory against a list of those that are there.
func TestADirectoryIsLikeAList(t *testing.T) {
	system := pooltest.System()
	rapid.Check(t, func(t *rapid.T) {
		type member struct {
			id    string
			leave func()
		}
		type watcher struct {
			sees map[*directory.Entry]bool
			stop func()
		}
		var members []member
		var watchers []*watcher
		defer func() {
			for _, m := range members {
				m.leave()
			}
			for _, w := range watchers {
				w.stop()
			}
		}()
		ids := rapid.SampledFrom([]string{"a", "b", "c", "b#2"})
		t.Repeat(map[string]func(*rapid.T){
			"join": func(t *rapid.T) {
				id := ids.Draw(t, "id")
				members = append(members, member{id, directory.Join(system, pool{id: id}, ids.Draw(t, "name"))})
			},
			"leave": func(t *rapid.T) {
				if len(members) == 0 {
					t.Skip()
				}
				i := rapid.IntRange(0, len(members)-1).Draw(t, "who")
				members[i].leave()
				members = append(members[:i:i], members[i+1:]...)
			},
			"watch": func(*rapid.T) {
				w := &watcher{sees: make(map[*directory.Entry]bool)}
				w.stop = directory.Watch(system, directory.Watcher{
					Joined: func(e *directory.Entry) { w.sees[e] = true },
					Left:   func(e *directory.Entry) { delete(w.sees, e) },
				})
				watchers = append(watchers, w)
			},
			"stop watching": func(t *rapid.T) {
				if len(watchers) == 0 {
					t.Skip()
				}
				watchers[0].stop()
				watchers = watchers[1:]
			},
			"": func(t *rapid.T) {
				entries := directory.Pools(system)
				seen := make(map[string]bool)
				require.Len(t, entries, len(members))
				for i, e := range entries {
					require.Equal(t, members[i].id, e.PID().Id)
					require.False(t, seen[e.Label], "labels are unique")
					seen[e.Label] = true
					for _, w := range watchers {
						require.True(t, w.sees[e])
					}
				}
				for _, w := range watchers {
					require.Len(t, w.sees, len(entries))
				}
				require.Equal(t, len(members)+len(watchers) > 0, registered(system))
			},
		})
	})
}
