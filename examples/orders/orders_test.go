package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/internal/leaks"
	"github.com/troupe-go/troupe/examples/internal/output"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/troupetest"
)

func TestMain(m *testing.M) { leaks.VerifyTestMain(m) }

// virtually runs a test in virtual time. Requests of workers that were killed time out after the
// test and become dead letters of Proto.Actor, which keeps a goroutine for a second after each.
func virtually(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	troupetest.TimeLimit(t)
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(time.Hour) })
		test(t)
	})
}

// The day of 500 orders, but for the table of the pools.
const (
	incidents = `The shop is open. There are 500 customers at the door. Ctrl-C closes it.

  ! clerks        a worker is restarted: order-166: the note is unreadable
  ! payments      routee terminated: others take over its tasks

The shop is closed.
`
	fatesOfTheDay = `
   (\d+)  sold
 +(\d+)  out of stock
    20  not in the catalog
    10  nothing ordered
 +(\d+)  card declined
 +(\d+)  no carrier goes there
 +(\d+)  canceled by the customer
 +(\d+)  too late for the customer
     1  note unreadable
   500  orders
`
	balance = `
The books balance: (\d+) orders sold, paid and sent, for [\d.]+\.
`
)

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

func TestTheOutputOfADay(t *testing.T) {
	virtually(t, func(t *testing.T) {
		var out output.Buffer
		require.NoError(t, run(t.Context(), &out, 500))
		before, table, ok := strings.Cut(out.String(), "\n  pool ")
		require.True(t, ok)
		table, after, ok := strings.Cut(table, "\nThe books")
		require.True(t, ok)
		fates, found := strings.CutPrefix(before, incidents)
		require.True(t, found, before)
		require.Regexp(t, "^"+fatesOfTheDay+"$", fates)
		require.Regexp(t, "^"+balance+"$", "\nThe books"+after)
		// The customers who wait least may get theirs too late, whatever else was to become of it.
		sum := 20 + 10 + 1
		var numbers []int
		for at, text := range regexp.MustCompile(fatesOfTheDay).FindStringSubmatch(fates)[1:] {
			n := number(t, text)
			assert.LessOrEqual(t, n, []int{371, 40, 25, 10, 23, 60}[at])
			numbers = append(numbers, n)
			sum += n
		}
		assert.Equal(t, 500, sum)
		sold, canceled, late := numbers[0], numbers[4], numbers[5]
		assert.Equal(t, strconv.Itoa(sold), regexp.MustCompile(balance).FindStringSubmatch("\nThe books" + after)[1])
		assert.Regexp(t, `The longest price look-up took \d+ms\. `, table)
		lines := strings.Split(strings.TrimSpace(table), "\n")
		require.Len(t, lines, 1+len(poolNames())+2)
		assert.Regexp(t, fmt.Sprintf(`^  clerks +500 +%d +\d+ +1 +%d +%d `, sold, late, canceled), lines[1])
		for line := range strings.SplitSeq(out.String(), "\n") {
			assert.LessOrEqual(t, len([]rune(line)), 100, line)
		}
	})
}

func TestAnInterruptClosesTheShopEarly(t *testing.T) {
	virtually(t, func(t *testing.T) {
		ctx, interrupt := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer interrupt()
		var out output.Buffer
		require.NoError(t, run(ctx, &out, 100_000))
		assert.Contains(t, out.String(), "The books balance: ")
		assert.NotContains(t, out.String(), "100000  orders")
	})
}

func TestWhatDoesNotAddUpIsAnError(t *testing.T) {
	o := newOrder(0, 500)
	b, l := newBooks(), newLedger()
	receipt := &receipt{order: o, cents: 29_90}
	require.True(t, b.reserve("harbor", o))
	b.pay(o, 29_90)
	b.book(o.number, "carrier 1")
	l.place(o)
	l.enter(&answer{order: o, receipt: receipt})
	stats := &messages.Stats{Submitted: 1, Succeeded: 1}
	d := &day{books: b, ledger: l, pools: map[string]*messages.Stats{"clerks": stats}}
	require.NoError(t, d.check())
	l.enter(&answer{order: o, result: &messages.Result{Outcome: messages.Canceled}})
	require.EqualError(t, d.check(), "the books do not balance: second answers: 1, want 0")
	l.excess = 0
	b.void(nil)
	require.EqualError(t, d.check(), "the books do not balance: orders laid aside: 0, want 1")
	*stats = messages.Stats{Submitted: 1, Canceled: 1}
	require.EqualError(t, d.check(), "the books do not balance: sold orders: 0, want 1")
}

func TestADayWithoutOrdersIsAnError(t *testing.T) {
	require.Error(t, run(t.Context(), nil, 0))
}
