package soak_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
)

// functions is the life of a pool of functions.
type functions struct {
	*count
	t    *testing.T
	pool *actors.FuncPool
	left atomic.Int64 // functions to be submitted

	grouped int64 // guarded by mu; functions of groups, accepted or not
}

func runFunctions(t *testing.T, tasks int) *count {
	pool, err := actors.NewFuncPool(pooltest.System().Root, actors.WithSize(4), actors.WithQueue(64, actors.Block), retry, breaker,
		actors.WithWatchdog(actors.Watchdog{Grace: time.Millisecond, Limit: 64}))
	require.NoError(t, err)
	f := &functions{count: newCount(), t: t, pool: pool}
	f.left.Store(int64(tasks))
	over := make(chan struct{})
	var producers, others sync.WaitGroup
	for range producerCount {
		producers.Go(f.produce)
	}
	others.Go(func() { f.chaos(over) })
	producers.Wait()
	close(over)
	others.Wait()
	_, err = pool.Finish(t.Context())
	assert.NoError(t, err)
	<-pool.Done()
	f.stats = pool.Stats()
	s := &f.stats
	assert.True(t, s.Balanced() && s.Queued+s.Running == 0, "%+v", s)
	assert.Equal(t, f.accepted+f.rejected+f.grouped, s.Submitted+s.Rejected)
	assert.LessOrEqual(t, f.accepted, s.Submitted)
	f.accepted, f.rejected = s.Submitted, s.Rejected
	assert.Eventually(t, func() bool { return pool.Stats().Abandoned == 0 }, 10*time.Second, time.Millisecond)
	return f.count
}

// function returns a function that goes wrong at random, and counts its end.
func (f *functions) function(ended *atomic.Int32) func(context.Context) error {
	fault := drawFault()
	f.inject(faultNames[fault])
	d := newDeed(fault)
	return func(ctx context.Context) error {
		defer ended.Add(1)
		_, err := perform(ctx, d)
		return err
	}
}

// produce submits functions, in every way, until there are none left.
func (f *functions) produce() {
	for f.left.Add(-1) >= 0 {
		var ended atomic.Int32
		switch rand.N(3) {
		case 0:
			f.submittedUnheard(f.pool.Go(context.Background(), f.function(&ended)))
		case 1:
			err := f.pool.Do(context.Background(), f.function(&ended))
			f.submitted(nil) // the pool blocks when it is full, and is not stopped yet
			f.hear(outcomeOfError(err))
		default:
			f.group()
		}
	}
}

// group submits functions in a group, which tells nobody about each of them.
func (f *functions) group() {
	var ended atomic.Int32
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+rand.N(100))*time.Millisecond)
	defer cancel()
	group := f.pool.Group(ctx, actors.MaxInFlight(2))
	n := 1 + rand.N(4)
	for range n {
		group.Go(f.function(&ended), actors.Timeout(5*time.Second))
	}
	if group.Wait() == nil {
		assert.GreaterOrEqual(f.t, ended.Load(), int32(n), "all functions have ended well")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.grouped += int64(n)
}

// chaos disturbs the pool until it is over.
func (f *functions) chaos(over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		case <-time.After(time.Duration(rand.N(1500)) * time.Microsecond):
		}
		f.inject("resize")
		assert.NoError(f.t, f.pool.Resize(context.Background(), 1+rand.N(8)))
	}
}
