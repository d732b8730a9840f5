package workload

import (
	"fmt"
	"runtime"
	"strconv"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

const (
	lockRuns    = 5
	lockSize    = 64
	lockSenders = 16
	lockTasks   = 400_000

	lockShare measure.Metric = "share of time in locks"
)

// Locks measures how much time goroutines wait for locks while 16 of them use Tell, at
// several values of GOMAXPROCS.
func Locks(e Env) (*report.Section, error) {
	contenders := []contender.Contender{
		contender.TroupeRoundRobin(), contender.TroupeRandom(), contender.Troupe(),
		contender.ProtoActorPointer(), contender.Channel(),
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var cells []cell
	sites := report.Table{
		Title:  "Where Troupe waits for locks under round-robin, by the mutex profile",
		Header: []string{"GOMAXPROCS", "function", "share"}, Text: 2,
	}
	for _, procs := range []int{2, 4, 8} {
		e.Log("locks: GOMAXPROCS %d", procs)
		runtime.GOMAXPROCS(procs)
		result, err := compare(e.few(lockRuns), contenders, lockTrial{tasks: e.scale(lockTasks), procs: procs}.run)
		if err != nil {
			return nil, err
		}
		cells = append(cells, cell{fmt.Sprintf("GOMAXPROCS %d", procs), result})
		if err := lockSites(&sites, procs, e.scale(lockTasks)); err != nil {
			return nil, err
		}
	}
	return &report.Section{
		Title: "Time in locks",
		Text: fmt.Sprintf("Tell by %d producers to %d workers, tasks that do nothing. The share is the time that goroutines"+
			" waited for locks, divided by the time that they waited for locks or had a processor. With a GOMAXPROCS above the"+
			" number of processors, a goroutine may lose its processor while it holds a lock. Waiting for room in a"+
			" channel does not count, waiting for the channel's own lock does. Medians of %d rounds.",
			lockSenders, lockSize, e.few(lockRuns)),
		Tables: []report.Table{
			medians("% of time in locks", cells, lockShare),
			medians("ns a task", cells, measure.Nanoseconds),
			sites,
		},
	}, nil
}

// A lockTrial is a load whose time in locks is measured.
type lockTrial struct{ tasks, procs int }

func (l lockTrial) load() load {
	return load{size: lockSize, producers: lockSenders, tasks: l.tasks, work: noop}
}

func (l lockTrial) run(c contender.Contender) (measure.Sample, error) {
	sample, err := l.load().run(c)
	if err != nil {
		return nil, err
	}
	processors := float64(min(l.procs, runtime.NumCPU()))
	running, waiting := sample[measure.Nanoseconds]*processors, sample[measure.LockWait]
	sample[lockShare] = 100 * waiting / (waiting + running)
	return sample, nil
}

// lockSites adds the functions that waited longest in a run of their own, since the
// profile costs time.
func lockSites(t *report.Table, procs, tasks int) error {
	const rows = 3
	var failed error
	waits := measure.LockProfile(func() {
		_, failed = lockTrial{tasks: tasks, procs: procs}.load().run(contender.TroupeRoundRobin())
	})
	for i, w := range waits {
		if i == rows {
			break
		}
		t.Row(strconv.Itoa(procs), w.Function, fmt.Sprintf("%.0f %%", 100*w.Share))
	}
	return failed
}
