package differential_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

// A word is a message for routees. What stands before the first dot is its key, and what
// stands behind the last colon is what the routee does.
type word string

// Hash is the key for consistent hashing.
func (w word) Hash() string {
	key, _, _ := strings.Cut(string(w), ".")
	return key
}

// silent reports whether the routee does not answer when it receives the word.
func (w word) silent() bool {
	_, what, _ := strings.Cut(string(w), ":")
	return slices.Contains([]string{"answer later", "forward", "watch"}, what)
}

// echo is the answer of a routee.
type echo string

// batch is a MessageBatch with a key.
type batch []any

func (b batch) GetMessages() []any { return b }
func (b batch) Hash() string       { return "batch" }

// A stage is where a scenario is played.
type stage struct {
	*notes
	t       *testing.T
	root    *actor.RootContext
	with    contender
	pool    *actor.PID   // the router, or the pool
	members []*actor.PID // the routees of a group
	own     []*actor.PID // other actors of the scenario, by which the notes know them
	names   map[string]string
	sender  *actor.PID
	watcher *actor.PID
	opened  chan struct{} // closed when routees that wait may go on
	unended []func()      // note what calls that block have come to
	exact   bool          // see scenario.senders
}

// A subject is a kind of router, and the pool that it is compared with.
type subject struct {
	name         string // ends in isPool or isGroup
	router, pool contender
	group        bool
	view         view
}

// subjects returns what a scenario is played with.
func (sc *scenario) subjects() []subject {
	var all []subject
	for _, k := range kinds() {
		if len(sc.kinds) > 0 && !slices.Contains(sc.kinds, k.name) {
			continue
		}
		if sc.only != isGroup {
			all = append(all, subject{k.name + " " + isPool, k.protoactorPool(), k.pool, false, k.view})
		}
		if sc.only != isPool {
			all = append(all, subject{k.name + " " + isGroup, k.protoactorGroup(), k.group, true, k.view})
		}
	}
	return all
}

// play plays a scenario and returns the notes.
func (sub *subject) play(t *testing.T, sc *scenario, with contender) (result map[string][]string) {
	t.Helper()
	pooltest.Bubble(t, func(t *testing.T) {
		s := newStage(t, with)
		s.exact = sc.senders
		s.raise(sc, sub.group)
		s.settle()
		if s.pool != nil {
			sc.play(s)
		}
		s.open()
		time.Sleep(2 * time.Minute) // longer than StopFuture waits, and longer than a routee may take to answer
		s.settle()
		for _, noteEnd := range s.unended {
			noteEnd()
		}
		result = s.result(sub.view)
	})
	return result
}

func newStage(t *testing.T, with contender) *stage {
	s := &stage{
		notes: newNotes(), t: t, root: pooltest.System().Root, with: with,
		names: make(map[string]string), opened: make(chan struct{}),
	}
	s.sender = s.spawn("the sender", s.observer(senders))
	s.watcher = s.spawn("the watcher", s.observer(watchers))
	sub := s.root.ActorSystem().EventStream.Subscribe(func(event any) {
		letter, ok := event.(*actor.DeadLetterEvent)
		if !ok {
			return
		}
		switch letter.Message.(type) {
		case actor.SystemMessage, *actor.DeadLetterResponse, *actor.PoisonPill:
		default:
			s.note(deadLetters, "%s to %s from %s", s.text(letter.Message), s.who(letter.PID), s.who(letter.Sender))
		}
	})
	t.Cleanup(func() { s.root.ActorSystem().EventStream.Unsubscribe(sub) })
	return s
}

// raise spawns the router or the pool.
func (s *stage) raise(sc *scenario, asGroup bool) {
	producer := func() actor.Actor { return actor.ReceiveFunc(s.receive) }
	if asGroup {
		for range sc.size {
			s.members = append(s.members, s.spawnRoutee())
		}
		producer = nil
	}
	props := s.with(plan{sc.size, sc.strategy}, producer, s.members)
	raise := func(parent actor.SpawnerContext) {
		pid, err := parent.SpawnNamed(props, "pool")
		if err != nil {
			s.note(caller, "SpawnNamed: %s", s.text(err))
			return
		}
		s.pool = pid
		s.t.Cleanup(func() { s.root.Stop(pid) })
	}
	if sc.parent {
		s.do("spawn", func(ctx actor.Context) { raise(ctx) })
	} else {
		raise(s.root)
	}
}

// spawn starts an actor of the scenario.
func (s *stage) spawn(name string, receive actor.ReceiveFunc) *actor.PID {
	pid := s.root.Spawn(actor.PropsFromFunc(receive))
	s.names[pid.Id] = name
	return pid
}

// spawnEcho starts an actor that answers words and is no routee.
func (s *stage) spawnEcho() *actor.PID {
	return s.root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if w, ok := ctx.Message().(word); ok {
			ctx.Respond("answer of another actor to " + string(w))
		}
	}))
}

// spawnRoutee starts a routee that the router did not make.
func (s *stage) spawnRoutee() *actor.PID {
	pid, err := s.root.SpawnNamed(actor.PropsFromFunc(s.receive), fmt.Sprint("routee-", len(s.own)))
	require.NoError(s.t, err)
	s.own = append(s.own, pid)
	return pid
}

// observer returns an actor that notes what it is sent and does what it is told.
func (s *stage) observer(who string) actor.ReceiveFunc {
	return func(ctx actor.Context) {
		switch msg := ctx.Message().(type) {
		case *actor.Started, *actor.Stopping, *actor.Stopped:
		case func(actor.Context):
			msg(ctx)
		default:
			line := s.text(msg)
			if _, ok := msg.(*protorouter.Routees); !ok || s.exact {
				line += " from " + s.who(ctx.Sender())
			}
			s.note(who, "%s", line)
		}
	}
}

// receive is the routee.
func (s *stage) receive(ctx actor.Context) {
	id := ctx.Self().Id
	w, ok := ctx.Message().(word)
	if !ok {
		if ctx.Sender() != nil {
			s.noteRoutee(id, "%s from %s", s.text(ctx.Message()), s.from(ctx))
		} else {
			s.noteRoutee(id, "%s", s.text(ctx.Message()))
		}
		return
	}
	line := string(w)
	if ctx.Sender() != nil {
		line += " from " + s.from(ctx)
	}
	if header := ctx.MessageHeader(); header != nil {
		keys := header.Keys()
		slices.Sort(keys)
		for _, key := range keys {
			line += " with " + key + "=" + header.Get(key)
		}
	}
	s.noteRoutee(id, "%s", line)
	s.obey(ctx, w)
	if ctx.Sender() != nil && !w.silent() {
		ctx.Respond(echo(w))
	}
}

// obey does what a word asks of a routee.
func (s *stage) obey(ctx actor.Context, w word) {
	_, what, _ := strings.Cut(string(w), ":")
	switch what {
	case "wait":
		<-s.opened
	case "panic":
		panic("a panic")
	case "exit":
		runtime.Goexit()
	case "stop":
		ctx.Stop(ctx.Self())
	case "poison":
		ctx.Poison(ctx.Self())
	case "answer first":
		ctx.Respond(echo("first"))
	case "answer later":
		sender := ctx.Sender()
		ctx.ReenterAfter(actor.NewFuture(ctx.ActorSystem(), time.Second), func(any, error) { ctx.Send(sender, echo("late")) })
	case "forward":
		ctx.Forward(s.spawnEcho())
	case "watch":
		ctx.Watch(ctx.Sender())
	case "ask the pool":
		ctx.Request(s.pool, word("c.1"))
	case "stop the pool":
		begun := time.Now()
		ctx.Stop(s.pool)
		s.noteRoutee(ctx.Self().Id, "has stopped the pool in %v", time.Since(begun))
	}
}

// from returns the role of the sender of a message that a routee gets. Routees that the pool
// did not make see an address of the pool's there, so only scenarios about senders look at
// it. In all others the answer shows who the sender was.
func (s *stage) from(ctx actor.Context) string {
	if !s.exact {
		return "somebody"
	}
	return s.who(ctx.Sender())
}

// who returns the role of an address.
func (s *stage) who(pid *actor.PID) string {
	switch {
	case pid == nil:
		return "nobody"
	case s.names[pid.Id] != "":
		return s.names[pid.Id]
	case s.pool != nil && pid.Equal(s.pool):
		return "the pool"
	case slices.ContainsFunc(s.own, pid.Equal):
		return "a routee"
	case s.pool != nil && (strings.HasPrefix(pid.Id, s.pool.Id+"/router/") || strings.HasPrefix(pid.Id, s.pool.Id+"/supervisor/")):
		return "a routee"
	case strings.HasPrefix(pid.Id, "future$"):
		return "a future"
	default:
		return "a part of the pool"
	}
}

// text returns a message without what differs from run to run.
func (s *stage) text(message any) string {
	switch m := message.(type) {
	case word:
		return string(m)
	case echo:
		return "echo of " + string(m)
	case *messages.Result:
		return fmt.Sprintf("Result: %v, %s", m.Outcome, s.cause(m.Err))
	case *actor.Terminated:
		return fmt.Sprintf("Terminated: %s, %v", s.who(m.Who), m.Why)
	case *actor.Touched:
		return "Touched by " + s.who(m.Who)
	case *protorouter.Routees:
		roles := make([]string, len(m.PIDs))
		for i, pid := range m.PIDs {
			roles[i] = s.who(pid)
		}
		slices.Sort(roles)
		return "Routees: " + strings.Join(repeated(roles), ", ")
	case error:
		return s.cause(m)
	case string:
		return m
	case nil:
		return "nil"
	default:
		_, name, _ := strings.Cut(fmt.Sprintf("%T", m), ".")
		return name
	}
}

// cause returns what an error is about.
func (s *stage) cause(err error) string {
	var p *messages.PanicError
	for _, sentinel := range []error{
		messages.ErrQueueFull, messages.ErrPoolStopped, messages.ErrDropped, messages.ErrCanceled,
		messages.ErrNoWorkers, messages.ErrInvalidOption, messages.ErrTaskTimeout, messages.ErrGoexit, messages.ErrRouteeTerminated,
		actor.ErrTimeout, actor.ErrDeadLetter, actor.ErrNameExists, context.Canceled,
	} {
		if errors.Is(err, sentinel) {
			return sentinel.Error()
		}
	}
	switch {
	case err == nil:
		return "no error"
	case errors.As(err, &p):
		return fmt.Sprint("panic: ", p.Value)
	default:
		return err.Error()
	}
}

// settle returns when nobody has anything to do.
func (s *stage) settle() { synctest.Wait() }

// open lets the routees go on that wait.
func (s *stage) open() {
	select {
	case <-s.opened:
	default:
		close(s.opened)
	}
	s.settle()
}

// call does something that a caller does on his own goroutine, and notes what he sees:
// f's result, a panic, or that the call blocks.
func (s *stage) call(what string, f func() any) {
	s.t.Helper()
	ended := make(chan string, 1)
	go func() {
		var result any
		if err := guard.Call(func() { result = f() }); err != nil {
			ended <- s.cause(err)
			return
		}
		if result == nil {
			ended <- ""
			return
		}
		ended <- s.text(result)
	}()
	s.settle()
	noteEnd := func() {
		select {
		case result := <-ended:
			if result != "" {
				s.note(caller, "%s: %s", what, result)
			}
		default:
			s.note(caller, "%s never returns", what)
		}
	}
	if len(ended) == 0 {
		s.note(caller, "%s blocks", what)
		s.unended = append(s.unended, noteEnd)
		return
	}
	noteEnd()
}

// do has the sender do something in its actor.
func (s *stage) do(what string, f func(ctx actor.Context)) {
	s.t.Helper()
	s.call(what, func() any {
		ended := make(chan error, 1)
		s.root.Send(s.sender, func(ctx actor.Context) {
			ended <- guard.Call(func() { f(ctx) })
		})
		if err := <-ended; err != nil {
			return err
		}
		return nil
	})
}

// send sends words to the pool, without a sender.
func (s *stage) send(words ...word) {
	s.t.Helper()
	s.call("Send", func() any {
		for _, w := range words {
			s.root.Send(s.pool, w)
		}
		return nil
	})
}

// request sends words to the pool, with the sender's address.
func (s *stage) request(words ...word) {
	s.t.Helper()
	s.do("Request", func(ctx actor.Context) {
		for _, w := range words {
			ctx.Request(s.pool, w)
		}
	})
}

// manage sends the pool a management message from the sender.
func (s *stage) manage(message protorouter.ManagementMessage) {
	s.t.Helper()
	s.do("Request", func(ctx actor.Context) { ctx.Request(s.pool, message) })
}

// ask returns the answer to a message.
func (s *stage) ask(to *actor.PID, message any) any {
	answer, err := s.root.RequestFuture(to, message, time.Second).Result()
	require.NoError(s.t, err)
	return answer
}

// aRoutee returns the address of a routee that the pool has.
func (s *stage) aRoutee() *actor.PID {
	s.t.Helper()
	return s.ask(s.pool, &protorouter.GetRoutees{}).(*protorouter.Routees).PIDs[0]
}

// watch has the watcher watch an actor.
func (s *stage) watch(pid *actor.PID) {
	s.root.Send(s.watcher, func(ctx actor.Context) { ctx.Watch(pid) })
	s.settle()
}
