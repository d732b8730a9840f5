package deliver

import (
	"reflect"
	"slices"
	"unsafe"

	"github.com/asynkron/protoactor-go/actor"
)

// mailboxes recognizes the mailboxes that take a message at once: the sender does not wait
// and runs no user code. Proto.Actor does not say which mailbox an actor has, so mailboxes
// reads private fields. It finds them by name with package reflect, once, and reads them
// with package unsafe, since each answer of a pool needs it: 3 ns instead of 100. Where it
// does not recognize the fields, it says no, which is slower and always right.
type mailboxes struct {
	known   bool
	own     []unsafe.Pointer // first words of other mailboxes that take messages at once
	mailbox unsafe.Pointer   // first word of an interface that holds Proto.Actor's mailbox
	queue   unsafe.Pointer   // the same for its queue, if it is unbounded
	spawns  unsafe.Pointer   // the same for its dispatcher, if that starts goroutines

	mailboxAt, queueAt, dispatcherAt, middlewareAt uintptr // offsets of fields
	rootMiddlewareAt                               uintptr
}

func newMailboxes(own []actor.Mailbox) mailboxes {
	var m mailboxes
	sample := actor.Unbounded()()
	box := reflect.TypeOf(sample).Elem()
	found := true
	at := func(of reflect.Type, name string, kind reflect.Kind) uintptr {
		field, ok := of.FieldByName(name)
		if !ok || field.Type.Kind() != kind {
			found = false
		}
		return field.Offset
	}
	m.mailboxAt = at(reflect.TypeFor[actor.ActorProcess](), "mailbox", reflect.Interface)
	m.queueAt = at(box, "userMailbox", reflect.Interface)
	m.dispatcherAt = at(box, "dispatcher", reflect.Interface)
	m.middlewareAt = at(box, "middlewares", reflect.Slice)
	m.rootMiddlewareAt = at(reflect.TypeFor[actor.RootContext](), "senderMiddleware", reflect.Func)
	if !found {
		return mailboxes{}
	}
	sample.RegisterHandlers(nil, actor.NewDefaultDispatcher(1))
	words := (*interfaceWords)(unsafe.Pointer(&sample))
	m.mailbox = words.first
	m.queue = firstWord(words.value, m.queueAt)
	m.spawns = firstWord(words.value, m.dispatcherAt)
	for _, mailbox := range own {
		if mailbox == nil {
			continue
		}
		m.own = append(m.own, (*interfaceWords)(unsafe.Pointer(&mailbox)).first)
	}
	m.known = true
	return m
}

// interfaceWords are the two words of an interface with methods. The first is the same for
// all values of one type.
type interfaceWords struct{ first, value unsafe.Pointer }

// firstWord returns the first word of an interface in a struct.
func firstWord(of unsafe.Pointer, at uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Add(of, at))
}

// takeAtOnce reports whether the process is an actor whose mailbox takes messages at once.
func (m *mailboxes) takeAtOnce(process actor.Process) bool {
	p, ok := process.(*actor.ActorProcess)
	if !ok || !m.known {
		return false
	}
	box := (*interfaceWords)(unsafe.Add(unsafe.Pointer(p), m.mailboxAt))
	if box.first != m.mailbox {
		return m.isOwn(box.first)
	}
	return firstWord(box.value, m.queueAt) == m.queue && firstWord(box.value, m.dispatcherAt) == m.spawns &&
		len(*(*[]actor.MailboxMiddleware)(unsafe.Add(box.value, m.middlewareAt))) == 0
}

func (m *mailboxes) isOwn(first unsafe.Pointer) bool {
	return slices.Contains(m.own, first)
}

// plain reports whether a root context has no middleware.
func (m *mailboxes) plain(root *actor.RootContext) bool {
	return m.known && *(*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(root), m.rootMiddlewareAt)) == nil
}
