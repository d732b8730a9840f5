package usercode_test

import (
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// routeePlaces are the places in pools that have a foreign routee.
func routeePlaces() []place {
	roundRobin := actors.WithDispatch(router.RoundRobin())
	ask := func(s *fixture, message any) { s.ask(message) }
	send := func(s *fixture, message any) { s.system.Root.Send(s.pid, message) }
	return []place{
		{
			name: "mailbox of a foreign routee", produce: obedient, options: with(roundRobin),
			trigger: toRoutee(ask, obey, meanMailboxOf),
		},
		{
			name: "mailbox of a foreign routee, without a sender", produce: obedient, options: with(roundRobin),
			trigger: toRoutee(send, obey, meanMailboxOf),
		},
		{
			name: "retry predicate of the answer of a foreign routee", produce: obedient,
			options: func(s *fixture) []actors.Option { return append(retryHarm(s), actors.WithErrorResponses(), roundRobin) },
			trigger: toRoutee(ask, disobey),
		},
		{
			name: "error that is the answer of a foreign routee", produce: obedient,
			options: with(actors.WithRetry(actors.Retry{Attempts: 2}), actors.WithErrorResponses(), roundRobin),
			trigger: func(s *fixture) {
				toRoutee(ask, func(ctx actor.Context) {
					if _, ok := ctx.Message().(*messages.Task); ok {
						ctx.Respond(mean{s, "As"})
					}
				})(s)
			},
		},
	}
}

// toRoutee adds a foreign routee, submits a task to each worker, and removes the routee, which
// may never take another message.
func toRoutee(
	submit func(s *fixture, message any), receive actor.ReceiveFunc, options ...func(s *fixture) actor.PropsOption,
) func(s *fixture) {
	return func(s *fixture) {
		props := actor.PropsFromFunc(receive)
		for _, option := range options {
			props.Configure(option(s))
		}
		routee := s.system.Root.Spawn(props)
		defer s.system.Root.Send(s.pid, &protorouter.RemoveRoutee{PID: routee})
		s.system.Root.Send(s.pid, &protorouter.AddRoutee{PID: routee})
		synctest.Wait()
		submit(s, &messages.Broadcast{Message: &messages.Task{
			Payload: pooltest.Deed(func(ctx actor.Context) { ctx.Respond("well") }), Timeout: 2 * time.Second,
		}})
		synctest.Wait()
	}
}

// disobey answers a task with an error.
func disobey(ctx actor.Context) {
	if _, ok := ctx.Message().(*messages.Task); ok {
		ctx.Respond(errTask)
	}
}

// meanMailbox is a mailbox that misbehaves when it is given a message.
type meanMailbox struct {
	actor.Mailbox
	s *fixture
}

func meanMailboxOf(s *fixture) actor.PropsOption {
	return actor.WithMailbox(func() actor.Mailbox { return meanMailbox{actor.Unbounded()(), s} })
}

// PostUserMessage implements actor.Mailbox.
func (m meanMailbox) PostUserMessage(message any) {
	m.s.harm()
	m.Mailbox.PostUserMessage(message)
}
