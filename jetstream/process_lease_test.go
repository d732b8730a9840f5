//go:build unix

package jetstream_test

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/jetstream"
)

func TestATaskThatRunsLongerThanTheLeaseIsDoneOnce(t *testing.T) {
	t.Parallel()
	const lease = 3 * time.Second
	servers := cluster(t, 1)
	q := queue(t, connect(t, servers), jetstream.Lease(lease))
	f := newFamily(t)
	c := child{URLs: servers.URLs(), Workers: 2, Least: 2*lease + time.Second, Most: 2*lease + time.Second}
	one, other := f.start(workerRole, c), f.start(workerRole, c)
	submitAll(t, q, 0, 4)

	stats := drained(t, q)
	assert.Zero(t, stats.Dead, "%+v", stats)
	forgotten(t, q)
	acked := int64(0)
	for _, m := range []*member{one, other} {
		node := f.stop(m)
		acked += node.Acked
		assert.Zero(t, node.Again+node.Retried, "%+v", node)
	}
	assert.Equal(t, int64(4), acked)
	assert.Equal(t, map[int]int{0: 1, 1: 1, 2: 1, 3: 1}, tasks(f.entries(begun)))
}

func TestOthersHaveTheTasksOfAProcessThatStopsLongBeforeTheLeaseEnds(t *testing.T) {
	const lease, waiting = time.Minute, 7
	servers := cluster(t, 1)
	q := queue(t, connect(t, servers), jetstream.Lease(lease))
	f := newFamily(t)
	one := f.start(workerRole, child{URLs: servers.URLs(), Workers: 1, Prefetch: waiting, Least: time.Hour, Most: time.Hour})
	submitAll(t, q, 0, 1+waiting)
	until(t, func() bool {
		journal := f.journal(one)
		return len(only(journal, taken)) == 1+waiting && len(only(journal, begun)) == 1
	}, "it has them all")
	other := f.start(workerRole, child{URLs: servers.URLs(), Workers: 1 + waiting})

	node := f.stop(one)
	assert.Equal(t, int64(1+waiting), node.GivenBack, "also the one that was begun: it was in a hurry")
	stats := drained(t, q)
	assert.Zero(t, stats.Dead, "%+v", stats)
	forgotten(t, q)
	stop := only(f.journal(one), halted)[0].At
	last := slices.MaxFunc(only(f.journal(other), begun), func(a, b entry) int { return a.At.Compare(b.At) }).At
	assert.Len(t, tasks(only(f.journal(other), done)), 1+waiting)
	assert.Less(t, last.Sub(stop), lease/2)
	node = f.stop(other)
	assert.Zero(t, node.Again, "none may have been done before")
	t.Logf("%d tasks moved on within %v", 1+waiting, last.Sub(stop).Round(time.Millisecond))
}

func TestAProcessThatIsFrozenForLongerThanTheLeaseLosesNoTaskAndWorksOn(t *testing.T) {
	long(t)
	t.Parallel()
	const lease, has, more = 2 * time.Second, 6, 16
	for moment, event := range map[string]string{"others have its tasks": begun, "others have done its tasks": done} {
		t.Run("until "+moment, func(t *testing.T) {
			servers := cluster(t, 1)
			q := queue(t, connect(t, servers), jetstream.Lease(lease))
			f := newFamily(t)
			first := child{URLs: servers.URLs(), Workers: 2, Prefetch: has - 2, Least: 2 * lease, Most: 2 * lease}
			frozen := f.start(workerRole, first)
			submitAll(t, q, 0, has)
			until(t, func() bool {
				journal := f.journal(frozen)
				return len(tasks(only(journal, taken))) == has && len(only(journal, begun)) >= 2 // more if a lease was lost
			}, "it has them all")
			require.NoError(t, frozen.Signal(syscall.SIGSTOP))
			assert.Empty(t, only(f.journal(frozen), done), "it is amid them")
			second := child{URLs: servers.URLs(), Workers: has, Prefetch: has - 2, Least: time.Second, Most: time.Second}
			other := f.start(workerRole, second)
			until(t, func() bool { return len(tasks(only(f.journal(other), event))) == has }, moment)

			require.NoError(t, frozen.Signal(syscall.SIGCONT))
			submitAll(t, q, has, has+more)
			stats := drained(t, q)
			assert.Zero(t, stats.Dead, "dead letters")
			forgotten(t, q)
			finished := f.entries(done)
			assert.Len(t, tasks(finished), has+more)
			on := slices.DeleteFunc(only(f.journal(frozen), done), func(e entry) bool { return e.Task < has })
			assert.NotEmpty(t, on, "the one that was frozen works on")
			t.Logf("%d done twice; %+v; %+v", len(finished)-has-more, f.stop(frozen), f.stop(other))
		})
	}
}
