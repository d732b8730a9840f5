package fuzz_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

// FuzzGroup submits tasks through a group and predicts which of them are rejected, what
// becomes of the others, and when Wait returns with which error. The first byte chooses the
// number of workers and FailFast, the second one MaxInFlight, the third one when the context
// ends. Each further one is a task.
func FuzzGroup(f *testing.F) {
	f.Add([]byte{0, 0, 0, 3, 5, 1})
	f.Add([]byte{5, 0, 0, 9, 66, 7, 30, 4})
	f.Add([]byte{4, 2, 0, 9, 1, 98, 1, 1, 35, 6})
	f.Add([]byte{1, 3, 9, 5, 40, 5, 63, 5, 5, 70})
	f.Add([]byte{6, 1, 4, 2, 45, 100, 3, 3})
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 { // a plain run tries more than a few
		script := make([]byte, 4+random.IntN(mostTasks))
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) < 4 || len(script) > 3+mostTasks {
			t.Skip()
		}
		pooltest.Bubble(t, func(t *testing.T) { playGroup(t, newGroupScript(script)) })
	})
}

const mostTasks = 14

// A groupScript is a group and its tasks.
type groupScript struct {
	workers, inFlight int // inFlight 0: any number
	failFast          bool
	ends              time.Duration // when the context does; 0: never
	tasks             []groupTask
}

type groupTask struct {
	run      time.Duration
	stubborn bool // it ignores its context
	outcome  messages.Outcome
}

// newGroupScript reads a script. Each duration has a bit of its own, so that no two things
// are due at one instant.
func newGroupScript(script []byte) groupScript {
	s := groupScript{workers: 1 + int(script[0]%4), failFast: script[0]&4 != 0, inFlight: int(script[1] % 5)}
	if ends := script[2] % 64; ends > 0 {
		s.ends = time.Duration(ends)*time.Millisecond + 1<<(mostTasks+1)
	}
	for i, b := range script[3:] {
		outcomes := []messages.Outcome{messages.Succeeded, messages.Succeeded, messages.Failed, messages.Panicked}
		s.tasks = append(s.tasks, groupTask{
			run: time.Duration(1+b%32)*time.Millisecond + 1<<i, stubborn: b&32 != 0, outcome: outcomes[b>>6],
		})
	}
	return s
}

// A groupAccount is what is seen of a group, and what is predicted.
type groupAccount struct {
	outcomes map[int]messages.Outcome // of the tasks that were submitted, also of those that were rejected
	waited   time.Duration            // when Wait returned
	failed   messages.Outcome         // that of the first error: Failed, Panicked, or Canceled by the context; 0: none
}

func playGroup(t *testing.T, s groupScript) {
	pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, n int) (int, error) {
		task := s.tasks[n]
		if task.stubborn {
			time.Sleep(task.run)
		} else if _, err := pooltest.Sleep(ctx, task.run); err != nil {
			return 0, err
		}
		switch task.outcome {
		case messages.Failed:
			return 0, pooltest.ErrTask
		case messages.Panicked:
			panic(pooltest.ErrTask)
		default:
			return n, nil
		}
	}, actors.WithSize(s.workers), actors.WithQueue(actors.Unbounded, actors.Block))
	time.Sleep(time.Second)

	ctx, options := t.Context(), []actors.GroupOption(nil)
	if s.ends > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.ends)
		defer cancel()
	}
	if s.failFast {
		options = append(options, actors.FailFast())
	}
	if s.inFlight > 0 {
		options = append(options, actors.MaxInFlight(s.inFlight))
	}
	begun, group := time.Now(), pool.Group(ctx, options...)
	seen := groupAccount{outcomes: map[int]messages.Outcome{}}
	rejected := map[int]bool{}
	for n := range s.tasks {
		if group.Submit(n) != nil {
			rejected[n] = true
		}
	}
	err := group.Wait()
	seen.waited = time.Since(begun)
	settled := time.Duration(0)
	for a := range group.Answers() {
		require.NotContains(t, seen.outcomes, a.In, "one answer for each task")
		seen.outcomes[a.In] = a.Outcome
		if assert.Equal(t, rejected[a.In], a.Outcome == messages.Rejected); rejected[a.In] {
			continue
		}
		assert.LessOrEqual(t, a.Wait+a.Run, seen.waited)
		if s.inFlight == 0 { // all were submitted at once
			assert.GreaterOrEqual(t, a.Wait+a.Run, settled, "in the order in which the tasks settle")
			settled = a.Wait + a.Run
		}
	}
	if err != nil {
		seen.failed = pooltest.OutcomeOf(err)
		if errors.Is(err, context.DeadlineExceeded) {
			seen.failed = messages.Canceled // also the error of a submission that waited for a place
		}
	}
	assert.Equal(t, s.predict(), seen)
	assert.Equal(t, err, group.Wait(), "the same error again")
}
