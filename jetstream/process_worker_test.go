//go:build unix

package jetstream_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/jetstream"
)

// A death is the end of a worker.
type death struct {
	who *member
	at  time.Time
}

func TestProcessesThatAreKilledLoseNoTaskAndTheirsAreDoneElsewhereWithinTheLease(t *testing.T) {
	t.Parallel()
	const lease, margin = 2 * time.Second, 10 * time.Second
	servers := cluster(t, 1)
	q := queue(t, connect(t, servers), jetstream.Lease(lease))
	f := newFamily(t)
	c := child{URLs: servers.URLs(), Workers: 4, Prefetch: 4, Most: 40 * time.Millisecond}
	workers := make([]*member, 3)
	for i := range workers {
		workers[i] = f.spawn(workerRole, c)
	}
	submitAll(t, q, 0, *soak)
	deaths := killWorkers(t, f, workers, c)

	stats := drained(t, q)
	assert.Zero(t, stats.Dead, "dead letters")
	var acked, again, givenBack int64
	for _, w := range workers {
		node := f.stop(w)
		acked, again, givenBack = acked+node.Acked, again+node.Again, givenBack+node.GivenBack
	}
	finished := f.entries(done)
	assert.Len(t, tasks(finished), *soak, "tasks that were done")
	longest, lost := longestGap(f, deaths, finished)
	assert.NotZero(t, lost, "the kills hit something")
	assert.Less(t, longest, lease+margin)
	t.Logf("%d tasks, %d kills: %d done twice, %d lost with their process, the longest until it was begun again %v; "+
		"the last three processes: %d done, %d of them known to be again, %d given back",
		*soak, len(deaths), len(finished)-*soak, lost, longest.Round(time.Millisecond), acked, again, givenBack)
}

// killWorkers kills one worker after the other, while there is work, and has another
// one take its place.
func killWorkers(t *testing.T, f *family, workers []*member, c child) []death {
	t.Helper()
	var deaths []death
	for i := range kills() {
		at := (*soak*9/10*i + rand.IntN(*soak*9/10)) / kills() // a part of the work for each
		until(t, func() bool { return len(f.entries(done)) >= at }, "work goes on")
		victim := rand.IntN(len(workers))
		w := workers[victim]
		select {
		case <-w.ready:
		case <-time.After(patience):
			require.FailNow(t, "it does not begin")
		}
		has := len(f.journal(w))
		until(t, func() bool { return len(f.journal(w)) > has }, "it works")
		require.NoError(t, w.Kill())
		deaths = append(deaths, death{w, time.Now()})
		workers[victim] = f.spawn(workerRole, c)
	}
	return deaths
}

// longestGap is how long a task that died with its process waited for another one at
// most, and how many there were.
func longestGap(f *family, deaths []death, finished []entry) (longest time.Duration, lost int) {
	ends := make(map[int][]entry)
	for _, e := range finished {
		ends[e.Task] = append(ends[e.Task], e)
	}
	begins := make(map[int][]entry)
	for _, e := range f.entries(begun) {
		begins[e.Task] = append(begins[e.Task], e)
	}
	for _, d := range deaths {
		mine := tasks(only(f.journal(d.who), done))
		had := make(map[int]bool)
		for _, e := range only(f.journal(d.who), taken) {
			settled := mine[e.Task] > 0 ||
				slices.ContainsFunc(ends[e.Task], func(end entry) bool { return end.At.Before(d.at) })
			if settled || had[e.Task] {
				continue
			}
			had[e.Task] = true
			lost++
			next := time.Duration(1 << 62)
			for _, b := range begins[e.Task] {
				if wait := b.At.Sub(d.at); wait > 0 {
					next = min(next, wait)
				}
			}
			longest = max(longest, next)
		}
	}
	return longest, lost
}
