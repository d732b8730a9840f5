package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/internal/leaks"
	"github.com/troupe-go/troupe/examples/internal/output"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/troupetest"
)

func TestMain(m *testing.M) { leaks.VerifyTestMain(m) }

// start opens a shop until the test ends.
func start(t *testing.T) (*shop, *services) {
	t.Helper()
	services := newServices()
	url, stop, err := serve(t.Context(), services.routes())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, stop()) })
	shop, err := openShop(url)
	require.NoError(t, err)
	t.Cleanup(shop.close)
	return shop, services
}

// requests returns how often the services were asked for a step.
func requests(s *services, o order, step string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accountLocked(o.number).requests[step]
}

func TestTheFateOfAnOrder(t *testing.T) {
	troupetest.TimeLimit(t)
	for name, test := range map[string]struct {
		number   int
		change   func(*order)
		want     fate
		step     string // one of the order
		requests int    // of that step
	}{
		"shipped":             {number: 0, want: shipped, step: "ship", requests: 1},
		"retried, shipped":    {number: 4, want: shipped, step: "charge", requests: 3},
		"out of stock":        {number: 1, change: func(o *order) { o.item = "nothing" }, want: outOfStock, step: "reserve", requests: 1},
		"card declined":       {number: 8, want: declined, step: "charge", requests: 1},
		"service unavailable": {number: 22, want: unavailable, step: "ship", requests: 4},
		"deadline missed":     {number: 19, change: func(o *order) { o.within = 100 * time.Millisecond }, want: late, step: "ship"},
	} {
		t.Run(name, func(t *testing.T) {
			shop, services := start(t)
			o := newOrder(test.number)
			o.within = time.Minute
			if test.change != nil {
				test.change(&o)
			}
			sold := shop.sell(t.Context(), o)
			assert.Equal(t, test.want, fateOf(sold), sold.err)
			require.NoError(t, sold.undo)
			assert.Equal(t, test.requests, requests(services, o, test.step))
			want := books{}
			if test.want == shipped {
				want = books{1, 1, 1, o.price}
			}
			assert.Equal(t, want, services.books())
		})
	}
}

func TestACustomerWhoLeavesCancelsTheOrder(t *testing.T) {
	troupetest.TimeLimit(t)
	shop, services := start(t)
	customer, leave := context.WithCancel(t.Context())
	o := newOrder(19) // its bank never answers
	o.within = time.Hour
	sold := make(chan sale)
	go func() { sold <- shop.sell(customer, o) }()
	require.Eventually(t, func() bool { return services.books().reserved == 1 }, time.Minute, time.Millisecond)
	leave()
	got := <-sold
	assert.Equal(t, left, fateOf(got))
	require.ErrorIs(t, got.err, messages.ErrCanceled)
	require.NoError(t, got.undo)
	assert.Zero(t, services.books())
}

func TestAFailedStepCancelsTheOthersOfItsOrder(t *testing.T) {
	troupetest.TimeLimit(t)
	shop, services := start(t)
	o := newOrder(19) // its bank never answers
	o.item, o.within = "nothing", time.Hour
	assert.Equal(t, outOfStock, fateOf(shop.sell(t.Context(), o)))
	assert.Zero(t, services.books())
}

func TestStepsOfAnUndoneOrderAreRefused(t *testing.T) {
	troupetest.TimeLimit(t)
	shop, services := start(t)
	o := newOrder(0)
	for _, name := range []string{"reserve", "charge", "ship", "undo"} {
		_, err := shop.steps.Ask(t.Context(), step{name, o})
		require.NoError(t, err)
	}
	assert.Zero(t, services.books())
	_, err := shop.steps.Ask(t.Context(), step{"reserve", o})
	require.ErrorIs(t, err, errUndone)
	require.ErrorIs(t, err, messages.ErrCanceled)
	assert.Zero(t, services.books())
}

func TestTheBooksOfADayBalance(t *testing.T) {
	troupetest.TimeLimit(t)
	var out output.Buffer
	require.NoError(t, (&day{orders: 200, pace: 2 * time.Millisecond}).run(t.Context(), &out))
	assert.Contains(t, out.String(), "   200  orders; ")
	assert.Contains(t, out.String(), "pool:     200 accepted = ")
	assert.Contains(t, out.String(), "The books balance: ")
}

func TestAnInterruptClosesTheShopEarly(t *testing.T) {
	troupetest.TimeLimit(t)
	ctx, interrupt := context.WithCancel(t.Context())
	var out output.Buffer
	ended := make(chan error)
	go func() { ended <- (&day{orders: 1_000_000, pace: time.Millisecond}).run(ctx, &out) }()
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "is open") }, time.Minute, time.Millisecond)
	interrupt()
	require.NoError(t, <-ended)
	assert.Contains(t, out.String(), "The books balance: ")
}

func TestALedgerThatDoesNotAddUpIsAnError(t *testing.T) {
	troupetest.TimeLimit(t)
	sales := make(chan sale, 1)
	sales <- sale{order: newOrder(0), outcome: messages.Succeeded, attempts: 1}
	close(sales)
	l := newLedger(1, sales)
	var out output.Buffer
	stats := messages.Stats{Submitted: 1, Succeeded: 1}
	require.NoError(t, l.check(&out, &stats, books{1, 1, 1, 29_90}))
	require.EqualError(t, l.check(&out, &stats, books{1, 1, 0, 29_90}), "the books do not balance: parcels: 0, want 1")
	stats.Succeeded = 0
	require.EqualError(t, l.check(&out, &stats, books{1, 1, 1, 29_90}), "the books do not balance: succeeded: 0, want 1")
}

func TestADayWithoutOrdersIsAnError(t *testing.T) {
	troupetest.TimeLimit(t)
	require.Error(t, (&day{pace: time.Second}).run(t.Context(), nil))
	require.Error(t, (&day{orders: 1}).run(t.Context(), nil))
}
