package engine

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// A receiver is a process that keeps what it is sent.
type receiver struct{ got chan any }

func (r *receiver) SendUserMessage(_ *actor.PID, message any) { r.got <- message }
func (r *receiver) SendSystemMessage(*actor.PID, any)         {}
func (r *receiver) Stop(*actor.PID)                           {}

// answering returns an engine in an actor system, and a sender in that.
func answering(t *testing.T) (*Engine, *actor.PID, *receiver) {
	r := &receiver{got: make(chan any, 1)}
	e := newEngine(t, router.LeastBusy())
	sender, added := e.cfg.System.ProcessRegistry.Add(r, "sender")
	require.True(t, added)
	e.self = e.cfg.System.NewLocalPID("pool")
	return e, sender, r
}

// answerTo returns the only answer.
func answerTo(t *testing.T, e *Engine, r *receiver) *messages.Result {
	_, message, sender := actor.UnwrapEnvelope(<-r.got)
	assert.True(t, e.self.Equal(sender), "the pool answers")
	return message.(*messages.Result)
}

func TestAnAnswerHasEveryField(t *testing.T) {
	e, sender, r := answering(t)
	j := newJob(nil)
	j.sender = sender
	j.task.enqueued = 5_000
	j.task.extra = &extra{
		id: "order-7", headers: map[string]string{"k": "v"},
		special: &special{past: &history{attempts: 2, accepted: 1_000, ran: 300, worker: "before"}},
	}
	s := &Settlement{
		base: &e.base, task: &j.task, Outcome: messages.Failed, Err: errors.New("no"), Value: "kept",
		Worker: "w", Started: 7_000, Ended: 9_000,
	}
	s.Answer()
	got := answerTo(t, e, r)
	assert.Equal(t, &messages.Result{
		TaskID: "order-7", Value: "kept", Err: s.Err, Outcome: messages.Failed, Worker: "w", Attempts: 3,
		Run: 2_300, Wait: 5_700, Pool: "pool", Headers: map[string]string{"k": "v"},
	}, got)
	for i := range reflect.ValueOf(*got).NumField() {
		assert.False(t, reflect.ValueOf(*got).Field(i).IsZero(), reflect.TypeOf(*got).Field(i).Name)
	}
}

func TestAnAnswerOfAFirstAttempt(t *testing.T) {
	e, sender, r := answering(t)
	j := newJob(nil)
	j.sender = sender
	renumber(&j.task, 42)
	j.task.enqueued = 1_000
	(&Settlement{base: &e.base, task: &j.task, Outcome: messages.Succeeded, Value: 1, Worker: "w", Started: 3_000, Ended: 4_000}).Answer()
	assert.Equal(t, &messages.Result{
		TaskID: "42", Value: 1, Outcome: messages.Succeeded, Worker: "w", Attempts: 1, Run: 1_000, Wait: 2_000, Pool: "pool",
	}, answerTo(t, e, r))
}

func TestAnAnswerBeforeTheFirstAttempt(t *testing.T) {
	e, sender, r := answering(t)
	j := newJob(nil)
	j.sender = sender
	j.task.enqueued = 1_000
	(&Settlement{base: &e.base, task: &j.task, Outcome: messages.Dropped, Err: messages.ErrDropped, Ended: 4_000}).Answer()
	got := answerTo(t, e, r)
	assert.Zero(t, got.Attempts)
	assert.Empty(t, got.Worker)
	assert.Zero(t, got.Run)
	assert.Equal(t, 3*time.Microsecond, got.Wait)
}

func TestAnAnswerWhileARetryWaitsNamesTheLastWorker(t *testing.T) {
	e, sender, r := answering(t)
	j := newJob(nil)
	j.sender = sender
	j.task.enqueued = 9_000
	j.task.extra = &extra{special: &special{past: &history{attempts: 1, accepted: 1_000, ran: 500, worker: "before"}}}
	(&Settlement{base: &e.base, task: &j.task, Outcome: messages.Canceled, Err: messages.ErrCanceled, Ended: 4_000}).Answer()
	got := answerTo(t, e, r)
	assert.Equal(t, "before", got.Worker)
	assert.Equal(t, 1, got.Attempts)
	assert.EqualValues(t, 500, got.Run)
	assert.EqualValues(t, 2_500, got.Wait)
}

func TestATaskSettledFromOutsideAnswersItsOwnSender(t *testing.T) {
	e, sender, r := answering(t)
	j := newJob(nil) // its body knows no sender any more
	(&Settlement{base: &e.base, task: &j.task, outside: true, sender: sender, Outcome: messages.TimedOut}).Answer()
	assert.Equal(t, messages.TimedOut, answerTo(t, e, r).Outcome)
}

func TestATaskWithoutSenderIsNotAnswered(t *testing.T) {
	timelimit.Set(t)
	e, sender, r := answering(t)
	j := newJob(nil)
	(&Settlement{base: &e.base, task: &j.task, Outcome: messages.Succeeded}).Answer()
	j.sender = sender
	(&Settlement{base: &e.base, task: &j.task, outside: true, Outcome: messages.Succeeded}).Answer()
	e.deliver.Tell(sender, "after")
	assert.Equal(t, "after", <-r.got, "nothing came before")
}
