package workload

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

const (
	groupWorkers = 64
	groupRuns    = 3      // of tasks that take longer: they themselves take most of the time
	groupSlow    = 10_000 // so many tasks that sleep take long enough to be measured once
)

// Group compares groups of tasks that have answers.
func Group(e Env) (*report.Section, error) {
	section := &report.Section{
		Title: "Groups of tasks with answers",
		Text: fmt.Sprintf("%d workers; groups of 1 to 100,000 tasks, one group after the other, submitted by one goroutine."+
			" A task returns its number. Futures are all submitted and then waited for in order. A group's Wait returns only"+
			" the first error, and the group keeps the answers; Answers reads all of them, in completion order, once all"+
			" tasks are submitted. pond's results come in the order of submission, conc's in any, and with errgroup each task"+
			" writes into its place of a slice; its sum is checked, as that of all answers is. Troupe's answers also have the"+
			" outcome, the attempts, the worker and exact times; its tasks are ints, those of the others closures, which are"+
			" allocated for each task. All groups have a context that can end, which cancels their tasks, and end with the"+
			" first error; the end of a context cancels futures only with CancelWithContext. Troupe and pond keep their pool,"+
			" whose workers are shared; errgroup and conc start goroutines for each group. Troupe's queue has its default"+
			" bound, pond's has none, and those of errgroup and conc hold nothing. %s",
			groupWorkers, groupFigures(e, groupWorkers)),
	}
	results, err := measureGroups(e, section, "group", contender.TaskGroups(), contender.NameGroupWait, groupLoads(e))
	if err != nil {
		return nil, err
	}
	const wait, answers = contender.NameGroupWait, contender.NameGroupAnswers
	results.hold(section, wait, contender.NameFutures, 1.2, 1.2)
	results.hold(section, answers, contender.NameFutures, 1.2, 1.2)
	results.hold(section, wait, contender.NamePondGroup, 0.8, noSlower)
	results.hold(section, answers, contender.NamePondResults, 0.8, noSlower)
	return section, nil
}

// Funcs compares groups of functions.
func Funcs(e Env) (*report.Section, error) {
	section := &report.Section{
		Title: "Groups of functions",
		Text: fmt.Sprintf("%d workers; groups of 1 to 100,000 closures of one shape, which are allocated for each task and"+
			" return an error. One goroutine submits one group after the other. All groups have a context that can end, which"+
			" cancels their tasks, and end with the first error, unless the row says that there is no context. Troupe and pond"+
			" keep their pool, whose workers are shared by all groups; errgroup and conc start goroutines for each group, and"+
			" errgroup without a limit runs all tasks at a time. pond and errgroup cannot cancel a task that runs unless it"+
			" looks at the context of its group itself; Troupe and conc pass the context to the function. A panic is an error"+
			" in Troupe and pond. Troupe's queue has its default bound, pond's has none, and errgroup and conc have none to"+
			" wait in. %s", groupWorkers, groupFigures(e, groupWorkers)),
	}
	results, err := measureGroups(e, section, "funcs", contender.FuncGroups(), contender.NameFuncGroup, groupLoads(e))
	if err != nil {
		return nil, err
	}
	results.hold(section, contender.NameFuncGroup, contender.NamePond, 0.8, noSlower)
	return section, nil
}

// Limit compares groups of functions few of which may run at a time.
func Limit(e Env) (*report.Section, error) {
	const limit = 8
	section := &report.Section{
		Title: "Groups with a limit",
		Text: fmt.Sprintf("The same with at most %d functions of a group at a time, on pools of %d workers. Troupe's"+
			" MaxInFlight blocks the submitter while as many are unsettled, as the limits of errgroup and conc do; the queue"+
			" of pond's subpool takes all tasks. A subpool for each group gives each group a limit of its own, as the others"+
			" do; one subpool is made beforehand, and groups at the same time would share its limit. %s",
			limit, groupWorkers, groupFigures(e, limit)),
	}
	loads := []groupLoad{
		{work: idleTask, sizes: []groupSize{{10, 20_000}, {1000, 20_000}, e.largeGroup()}},
		{work: computing, sizes: []groupSize{{10, 5_000}, {1000, 5_000}}},
		{work: sleeping, sizes: []groupSize{{10, 500}, {1000, 1000}}},
	}
	contenders := contender.LimitedGroups(limit)
	results, err := measureGroups(e, section, "limit", contenders, contender.NameFuncGroup, loads)
	if err != nil {
		return nil, err
	}
	results.hold(section, contender.NameFuncGroup, contender.NamePondSubpool, 0.8, noSlower)
	results.hold(section, contender.NameFuncGroup, contender.NamePondSubpools, 0.8, noSlower)
	return section, nil
}

// noSlower is the limit where the tasks themselves take most of the time, which no pool
// can shorten.
const noSlower = 1.05

// A groupTask is the kind of work that tasks are.
type groupTask string

const (
	idleTask  groupTask = "tasks that do nothing"
	computing groupTask = "10 µs of computing"
	sleeping  groupTask = "1 ms of sleep"
)

// do returns the work of a task.
func (t groupTask) do() func(n int) {
	switch t {
	case computing:
		iterations := int(10 * calibrate())
		return func(int) { spin(iterations) }
	case sleeping:
		return func(int) { time.Sleep(time.Millisecond) }
	default:
		return func(int) {}
	}
}

// A groupSize is the size of groups and about how many tasks they have in all.
type groupSize struct{ group, tasks int }

// rounds is the number of rounds of groups of a size.
func (t groupTask) rounds(e Env, s groupSize) int {
	switch {
	case t == idleTask:
		return e.Runs
	case t == sleeping && s.tasks > groupSlow:
		return 1
	default:
		return e.few(groupRuns)
	}
}

// A groupLoad has groups of several sizes whose tasks are of one kind.
type groupLoad struct {
	work  groupTask
	sizes []groupSize
}

// groupLoads are the loads of most sections.
func groupLoads(e Env) []groupLoad {
	large := e.largeGroup()
	return []groupLoad{
		{work: idleTask, sizes: []groupSize{{1, 20_000}, {10, 20_000}, {1000, 20_000}, large}},
		{work: computing, sizes: []groupSize{{1, 5_000}, {10, 5_000}, {1000, 5_000}, large}},
		{work: sleeping, sizes: []groupSize{{1, 100}, {10, 1000}, {1000, 5_000}, large}},
	}
}

// largeGroup is one group of the largest size.
func (e Env) largeGroup() groupSize { return groupSize{e.scale(100_000), 100_000} }

// groupFigures says how to read the tables, where so many tasks run at a time.
func groupFigures(e Env, atATime int) string {
	return fmt.Sprintf("The columns are the sizes of the groups. The figures are elapsed time by tasks: at best, tasks of"+
		" 10 µs take 5 µs each with two processors, and tasks of 1 ms take %d µs each with %d at a time. Where tasks take"+
		" longer, the figures are medians of %d rounds, or of one round where 100,000 tasks sleep, and rows that differ only"+
		" in what they cost the pool are left out.", 1000/atATime, atATime, e.few(groupRuns))
}

// groupResults has the cells of each kind of work.
type groupResults map[groupTask][]cell

// measureGroups measures the loads and adds their tables to a section.
func measureGroups(
	e Env, section *report.Section, name string, contenders []contender.GroupContender, ours string, loads []groupLoad,
) (groupResults, error) {
	results := make(groupResults)
	for _, l := range loads {
		compared := contenders
		if l.work != idleTask {
			compared = slices.DeleteFunc(slices.Clone(contenders), func(c contender.GroupContender) bool { return c.Variant })
		}
		cells, err := l.measure(e, name, compared)
		if err != nil {
			return nil, err
		}
		results[l.work] = cells
		section.Tables = append(section.Tables,
			medians("ns a task, "+string(l.work), cells, measure.Nanoseconds),
			timesBy(fmt.Sprintf("Time of %q by theirs, %s", ours, l.work), cells, ours),
			medians("allocations a task, "+string(l.work), cells, measure.Allocations))
	}
	return results, nil
}

// measure returns a cell for each size.
func (l groupLoad) measure(e Env, name string, contenders []contender.GroupContender) ([]cell, error) {
	do := l.work.do()
	var cells []cell
	for _, s := range l.sizes {
		e.Log("%s: %s, groups of %d", name, l.work, s.group)
		trial := groupTrial{size: s.group, groups: max(1, e.scale(s.tasks)/s.group), do: do}
		result, err := compareGroups(l.work.rounds(e, s), contenders, trial.run)
		if err != nil {
			return nil, err
		}
		cells = append(cells, cell{thousands(s.group), result})
	}
	return cells, nil
}

// compareGroups tries group contenders by rounds.
func compareGroups(
	rounds int, contenders []contender.GroupContender, trial func(contender.GroupContender) (measure.Sample, error),
) (*measure.Comparison, error) {
	var names []string
	byName := make(map[string]contender.GroupContender, len(contenders))
	for _, c := range contenders {
		names = append(names, c.Name)
		byName[c.Name] = c
	}
	return measure.Compare(rounds, names, func(name string) (measure.Sample, error) {
		return trial(byName[name])
	})
}

// A groupTrial does a number of groups of one size.
type groupTrial struct {
	size, groups int
	do           func(n int)
}

func (t groupTrial) run(c contender.GroupContender) (measure.Sample, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var done atomic.Int64
	pool, err := c.Open(ctx, groupWorkers, func(n int) {
		t.do(n)
		done.Add(1)
	})
	if err != nil {
		return nil, err
	}
	all := func(groups, size int) error {
		done.Store(0)
		for range groups {
			if err := pool.Do(size); err != nil {
				return err
			}
		}
		if did := done.Load(); did != int64(groups*size) {
			return fmt.Errorf("%d of %d tasks were done", did, groups*size)
		}
		return nil
	}
	if err := all(1, max(2*groupWorkers, t.size/10)); err != nil {
		return nil, err
	}
	sample, err := measure.Timed(t.groups*t.size, func() error { return all(t.groups, t.size) })
	if err != nil {
		return nil, err
	}
	return sample, pool.Close()
}

// hold holds one contender to its time by another's: for tasks that do nothing, where all
// time is the pools' own, the mean and the worst cell, and for those that take longer the
// worst cell.
func (r groupResults) hold(section *report.Section, name, base string, limit, longLimit float64) {
	what := fmt.Sprintf("%s, by %s", name, base)
	section.Targets = append(section.Targets, held(what, by(r[idleTask], name, base), limit, limit)...)
	if !slices.Contains(r[computing][0].result.Names(), base) {
		return // a variant
	}
	longer := slices.Concat(by(r[computing], name, base), by(r[sleeping], name, base))
	section.Targets = append(section.Targets, report.Target{
		What: what + ", tasks that take longer, worst cell", Limit: longLimit, Measured: slices.Max(longer),
	})
}

// thousands renders a number with a comma between thousands.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
