package journal_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func entry(seq int64, o messages.Outcome) journal.Entry {
	return journal.Entry{Seq: seq, Outcome: o, At: noon}
}

func seqs(entries []journal.Entry) []int64 {
	list := []int64{}
	for _, e := range entries {
		list = append(list, e.Seq)
	}
	return list
}

func TestEntriesAreReadInTheOrderOfTheirRecording(t *testing.T) {
	j := journal.New(journal.Options{Keep: 100})
	entries, last, missed := j.Since(0)
	assert.Empty(t, entries)
	assert.Zero(t, last+missed)
	j.Record(entry(3, messages.Succeeded))
	j.Record(entry(1, messages.Failed))
	j.Record(entry(2, messages.Succeeded))
	entries, last, missed = j.Since(0)
	assert.Equal(t, []int64{3, 1, 2}, seqs(entries))
	assert.EqualValues(t, 3, last)
	assert.Zero(t, missed)
	j.Record(entry(4, messages.Succeeded))
	entries, last, missed = j.Since(last)
	assert.Equal(t, []int64{4}, seqs(entries), "from there on")
	assert.EqualValues(t, 4, last)
	assert.Zero(t, missed)
}

func TestNoFloodOfSuccessesWashesAFailureAway(t *testing.T) {
	j := journal.New(journal.Options{Keep: 8})
	j.Record(entry(0, messages.Failed))
	for i := range int64(1000) {
		j.Record(entry(i, messages.Succeeded))
	}
	entries, _, _ := j.Since(0)
	assert.Equal(t, messages.Failed, entries[0].Outcome)
}

func TestAJournalKeepsAtLeastOneOfEachKind(t *testing.T) {
	for _, keep := range []int{-5, 0, 1} {
		j := journal.New(journal.Options{Keep: keep})
		for i := range int64(100) {
			j.Record(entry(i, messages.Succeeded))
			j.Record(entry(i, messages.Dropped))
		}
		entries, _, _ := j.Since(0)
		assert.Len(t, entries, 2)
	}
}

func TestOnlyFailuresAreWantedIfAskedFor(t *testing.T) {
	j := journal.New(journal.Options{FailuresOnly: true})
	assert.False(t, j.Wants(messages.Succeeded))
	for o := messages.Failed; o <= messages.Quarantined; o++ {
		assert.True(t, j.Wants(o))
	}
	assert.True(t, journal.New(journal.Options{}).Wants(messages.Succeeded))
}

func TestThereIsRoomForSomeSuccessesEachSecond(t *testing.T) {
	j := journal.New(journal.Options{Keep: 1})
	gladly := func(at time.Time) (n int) {
		for j.Record(journal.Entry{Outcome: messages.Succeeded, At: at}) {
			n++
		}
		return n
	}
	assert.Equal(t, 511, gladly(noon))
	assert.Zero(t, gladly(noon.Add(time.Second/2)))
	assert.Equal(t, 511, gladly(noon.Add(time.Second)))
}

func TestAPayloadIsPutIntoWords(t *testing.T) {
	assert.Nil(t, journal.New(journal.Options{}).Formatter())
	for name, c := range map[string]struct {
		format func(any) string
		want   string
	}{
		"plain":        {func(p any) string { return fmt.Sprint("<", p, ">") }, "<7>"},
		"panic":        {func(any) string { panic("no") }, "the formatter failed"},
		"another type": {func(p any) string { return p.(string) }, "the formatter failed"},
		"Goexit":       {func(any) string { runtime.Goexit(); return "" }, "the formatter failed"},
		"huge":         {func(any) string { return strings.Repeat("x", 1<<20) }, strings.Repeat("x", 4096) + " …"},
		"a character is cut": {
			func(any) string { return strings.Repeat("x", 4095) + "é" }, strings.Repeat("x", 4095) + " …",
		},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, journal.Guarded(c.format)(7))
		})
	}
}

func TestWhatIsClippedIsShortAndValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "piece")
		text := strings.Repeat(string(piece), 1+5000/len(piece))
		got := journal.Guarded(func(any) string { return text })(nil)
		assert.LessOrEqual(t, len(got), 4096+len(" …"))
		assert.True(t, utf8.ValidString(got))
	})
}

// The journal against the plain list of all that was recorded: it has the last ones of
// each kind, whatever their order.
func TestAJournalHasTheLastOfEachKind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keep := rapid.IntRange(1, 20).Draw(t, "keep")
		j := journal.New(journal.Options{Keep: keep})
		all := [2][]int64{} // numbers of the rest and of successes
		var number, read int64
		t.Repeat(map[string]func(*rapid.T){
			"record": func(t *rapid.T) {
				kind, outcome := 0, messages.Failed
				if rapid.Bool().Draw(t, "succeeds") {
					kind, outcome = 1, messages.Succeeded
				}
				for range rapid.IntRange(1, 10).Draw(t, "times") {
					number++
					j.Record(entry(number, outcome))
					all[kind] = append(all[kind], number)
				}
			},
			"read": func(t *rapid.T) {
				entries, last, missed := j.Since(read)
				want := make(map[int64]bool)
				for _, numbers := range all {
					for _, number := range numbers[max(len(numbers)-keep, 0):] {
						if number > read {
							want[number] = true
						}
					}
				}
				require.Len(t, entries, len(want))
				for _, e := range entries {
					require.True(t, want[e.Number])
					require.Equal(t, e.Number, e.Seq)
				}
				require.Equal(t, number, last)
				require.Equal(t, number-read-int64(len(want)), missed)
				read = last
			},
		})
	})
}

func TestAReaderMissesNothingUncounted(t *testing.T) {
	timelimit.Set(t)
	const recorders, each = 4, 5000
	j := journal.New(journal.Options{Keep: 100})
	var wg sync.WaitGroup
	for r := range int64(recorders) {
		wg.Go(func() {
			for i := range int64(each) {
				j.Record(entry(r*each+i, messages.Outcome(1+i%3)))
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	seen := make(map[int64]bool)
	var last, missed, previous int64
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
		}
		entries, upTo, lost := j.Since(last)
		for _, e := range entries {
			assert.Greater(t, e.Number, previous)
			assert.False(t, seen[e.Seq])
			previous, seen[e.Seq] = e.Number, true
		}
		assert.GreaterOrEqual(t, lost, int64(0))
		last, missed = upTo, missed+lost
	}
	assert.EqualValues(t, recorders*each, last)
	assert.EqualValues(t, recorders*each, missed+int64(len(seen)))
}

func TestATaskWithoutAnIDHasItsNumber(t *testing.T) {
	assert.Equal(t, "x", (&journal.Entry{ID: "x", Seq: 7}).TaskID())
	assert.Equal(t, "7", (&journal.Entry{Seq: 7}).TaskID())
}

// notes is a follower that keeps all that it is told.
type notes struct {
	accepted []journal.Acceptance
	ended    []journal.Entry
}

func (n *notes) Accepted(a journal.Acceptance) { n.accepted = append(n.accepted, a) }

func (n *notes) Ended(e journal.Entry) { n.ended = append(n.ended, e) }

func TestAFollowerIsToldOfEverythingAndTheJournalKeepsNothing(t *testing.T) {
	var n notes
	j := journal.New(journal.Options{Follower: &n})
	assert.Equal(t, &n, j.Follower())
	for i := range int64(1000) {
		assert.True(t, j.Record(entry(i, messages.Succeeded)), "there is always room")
	}
	assert.Len(t, n.ended, 1000)
	entries, last, missed := j.Since(0)
	assert.Empty(t, entries)
	assert.Zero(t, last+missed)
}
