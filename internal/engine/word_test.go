package engine

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/messages"
)

// statuses are all statuses, with what each means.
var statuses = []struct {
	status
	name          string
	outcome       messages.Outcome
	settled, dead bool
}{
	{fresh, "fresh", 0, false, false},
	{waiting, "waiting", 0, false, false},
	{queued, "queued", 0, false, false},
	{running, "running", 0, false, false},
	{held, "held", 0, false, false},
	{doneSucceeded, "doneSucceeded", messages.Succeeded, true, false},
	{doneFailed, "doneFailed", messages.Failed, true, false},
	{donePanicked, "donePanicked", messages.Panicked, true, false},
	{doneTimedOut, "doneTimedOut", messages.TimedOut, true, false},
	{doneCanceled, "doneCanceled", messages.Canceled, true, false},
	{doneDropped, "doneDropped", messages.Dropped, true, false},
	{doneQuarantined, "doneQuarantined", messages.Quarantined, true, false},
	{endedTimedOut, "endedTimedOut", messages.TimedOut, true, true},
	{endedCanceled, "endedCanceled", messages.Canceled, true, true},
	{endedDropped, "endedDropped", messages.Dropped, true, true},
	{cutTimedOut, "cutTimedOut", messages.TimedOut, true, false},
	{cutCanceled, "cutCanceled", messages.Canceled, true, false},
	{cutSucceeded, "cutSucceeded", messages.Succeeded, true, false},
}

func TestEveryStatusSaysHowTheTaskStands(t *testing.T) {
	for i, s := range statuses {
		require.EqualValues(t, i, s.status, "the table is in order")
		require.LessOrEqual(t, s.status, status(statusMask), s.name)
		for _, rest := range []word{0, ^word(0)} {
			w := rest.with(s.status)
			assert.Equal(t, s.status, w.status(), s.name)
			assert.Equal(t, s.settled, w.settled(), s.name)
			assert.Equal(t, s.dead, w.dead(), s.name)
			assert.Equal(t, s.outcome, w.status().outcome(), s.name)
		}
	}
}

func TestOutcomesSurviveAsStatuses(t *testing.T) {
	for o := messages.Succeeded; int(o) <= messages.Outcomes; o++ {
		assert.Equal(t, o, doneAs(o).outcome())
		assert.False(t, word(doneAs(o)).dead())
	}
	for _, o := range []messages.Outcome{messages.TimedOut, messages.Canceled, messages.Dropped} {
		assert.Equal(t, o, endedAs(o).outcome())
		assert.True(t, word(endedAs(o)).dead())
	}
	for _, o := range []messages.Outcome{messages.Succeeded, messages.TimedOut, messages.Canceled} {
		assert.Equal(t, o, cutAs(o).outcome())
		assert.GreaterOrEqual(t, cutAs(o), cutTimedOut)
	}
}

// parts are the values that a word is made of.
type parts struct {
	status   status
	hop      int
	flags    word
	worker   int
	sequence uint64
}

func drawParts(t *rapid.T) parts {
	flags := word(0)
	for _, flag := range []word{flagOwned, flagBound, flagAnswered, flagRetried} {
		if rapid.Bool().Draw(t, "flag") {
			flags |= flag
		}
	}
	return parts{
		status:   rapid.SampledFrom(statuses).Draw(t, "status").status,
		hop:      rapid.IntRange(0, hopMask>>hopShift).Draw(t, "hop"),
		flags:    flags,
		worker:   rapid.IntRange(0, nobody).Draw(t, "worker"),
		sequence: rapid.Uint64Range(0, 1<<(64-sequenceShift)-1).Draw(t, "sequence"),
	}
}

func (p parts) word() word {
	return word(p.sequence)<<sequenceShift | word(p.worker)<<workerShift | p.flags | word(p.hop)<<hopShift | word(p.status)
}

func partsOf(w word) parts {
	return parts{w.status(), int(w.hop() >> hopShift), w & (flagOwned | flagBound | flagAnswered | flagRetried), w.worker(), w.sequence()}
}

func TestPartsOfAWordDoNotTouchEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawParts(t)
		w := p.word()
		require.Equal(t, p, partsOf(w))

		other := drawParts(t)
		want := p
		want.status = other.status
		require.Equal(t, want, partsOf(w.with(other.status)))

		want = p
		want.worker = other.worker
		require.Equal(t, want, partsOf(w.of(other.worker)))
	})
}

func TestAMovedTaskHopsOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawParts(t)
		if p.hop == hopMask>>hopShift {
			return // nobody moves such a task
		}
		want := p
		want.hop++
		require.Equal(t, want, partsOf(p.word().moved()))
	})
}

func TestTheLastHopIsTheMask(t *testing.T) {
	w := word(queued)
	for range hopMask >> hopShift {
		require.NotEqual(t, word(hopMask), w.hop())
		w = w.moved()
	}
	assert.Equal(t, word(hopMask), w.hop())
}

func TestSequenceNumbersRepeatAfter4Billion(t *testing.T) {
	const period = uint64(1) << (64 - sequenceShift)
	numbered := func(n uint64) word { return word(n)<<sequenceShift | word(nobody)<<workerShift | word(queued) }
	assert.EqualValues(t, 1<<32, period)
	assert.Equal(t, period-1, numbered(period-1).sequence())
	assert.Zero(t, numbered(period).sequence())
	assert.Equal(t, numbered(7), numbered(period+7))
	assert.Equal(t, nobody, numbered(period-1).worker(), "the number does not spill")
}

func TestAWordOfAnEarlierTaskNeverSwaps(t *testing.T) {
	task := &newJob(nil).task
	first := word(1)<<sequenceShift | word(queued)
	second := word(2)<<sequenceShift | word(queued)
	task.state.Store(uint64(second))
	assert.False(t, task.swap(first, first.with(running)))
	assert.Equal(t, second, task.load())
	assert.True(t, task.swap(second, second.with(running)))
}

func TestTalliesAddUp(t *testing.T) {
	a, b := tally{1: 2, 7: 1}, tally{1: 3, 4: 9}
	a.add(&b)
	assert.Equal(t, tally{1: 5, 4: 9, 7: 1}, a)
}
