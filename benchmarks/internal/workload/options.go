package workload

import (
	"strconv"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
	"github.com/troupe-go/troupe/router"
)

const (
	optionKeys = 1024

	plainTask    = "plain"
	priorityTask = "a priority, of four"
	timeoutTask  = "a timeout of a minute"
	bothTask     = "a priority and a timeout"
	keyTask      = "a key"
	plainHashed  = "plain, consistent hashing"
	keyHashed    = "a key, consistent hashing"
)

// Options has every task carry options, which only Troupe has. A task with a key is
// compared with a task without one in a pool of the same dispatch.
func Options(e Env) (*report.Section, error) {
	contenders := optionContenders()
	cells, err := eachShape(func(s shape) (*measure.Comparison, error) {
		e.Log("options: %v", s)
		return compare(e.Runs, contenders, load{
			size: s.size, producers: s.senders, tasks: e.scale(100_000), work: noop,
		}.run)
	})
	if err != nil {
		return nil, err
	}
	section := &report.Section{
		Title: "Priorities, timeouts and keys",
		Text: "Troupe alone, workers × producers. The row says what each task has. Dispatch is least-busy unless the row says" +
			" otherwise. There are 1,024 keys.",
		Tables: []report.Table{
			medians("ns a task", cells, measure.Nanoseconds),
			byBase("Time by that of a plain task", cells, plainTask),
			medians("allocations a task", cells, measure.Allocations),
		},
	}
	for _, row := range []struct {
		name, base string
		limit      float64
	}{
		{priorityTask, plainTask, 1.2},
		{timeoutTask, plainTask, 1.25},
		{bothTask, plainTask, 1.4},
		{keyTask, plainTask, 1.3},
		{keyHashed, plainHashed, 1.3},
	} {
		section.Targets = append(section.Targets,
			held(row.name+", by "+row.base, by(cells, row.name, row.base), row.limit, row.limit)...)
	}
	return section, nil
}

func optionContenders() []contender.Contender {
	var priorities, both, keys [][]actors.TaskOption
	timeout := actors.Timeout(time.Minute)
	for i := range 4 {
		priority := actors.Priority(i)
		priorities = append(priorities, []actors.TaskOption{priority})
		both = append(both, []actors.TaskOption{priority, timeout})
	}
	for i := range optionKeys {
		keys = append(keys, []actors.TaskOption{actors.Key("key-" + strconv.Itoa(i))})
	}
	hashing := actors.WithDispatch(router.ConsistentHash())
	plain, hashed := contender.Troupe(), contender.Troupe(hashing)
	plain.Name, hashed.Name = plainTask, plainHashed
	return []contender.Contender{
		plain,
		contender.TroupeTasks(priorityTask, priorities),
		contender.TroupeTasks(timeoutTask, [][]actors.TaskOption{{timeout}}),
		contender.TroupeTasks(bothTask, both),
		contender.TroupeTasks(keyTask, keys),
		hashed,
		contender.TroupeTasks(keyHashed, keys, hashing),
	}
}
