package workload

import (
	"fmt"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

// Each compares the ways to read the answers to a sequence of tasks in one loop.
func Each(e Env) (*report.Section, error) {
	section := &report.Section{
		Title: "Each and Map",
		Text: fmt.Sprintf("%d workers. One loop reads the answers to a sequence of tasks. Map yields them in the order of the"+
			" inputs, the others as they come. All keep about two tasks for each worker in flight; Map also keeps answers that"+
			" wait for an earlier one. The answers of Each have the outcome, the attempts, the worker and exact times. Map and"+
			" Each cancel what is left if the loop ends early, which the loops by hand do not. By hand, an errgroup has either"+
			" a goroutine for each worker, with a channel for the inputs and one for the answers, or a goroutine for each task"+
			" and a channel for the answers; the first error ends all. Medians of %d rounds where tasks take longer.",
			groupWorkers, e.few(groupRuns)),
	}
	contenders := contender.Sequences()
	var cells []cell
	for _, load := range []struct {
		work  groupTask
		tasks int
	}{{idleTask, 50_000}, {computing, 5_000}, {sleeping, 5_000}} {
		e.Log("each: %s", load.work)
		trial := groupTrial{size: e.scale(load.tasks), groups: 1, do: load.work.do()}
		result, err := compareGroups(load.work.rounds(e, groupSize{load.tasks, load.tasks}), contenders, trial.run)
		if err != nil {
			return nil, err
		}
		cells = append(cells, cell{string(load.work), result})
	}
	section.Tables = []report.Table{
		medians("ns a task", cells, measure.Nanoseconds),
		timesBy("Time of Each by theirs", cells, contender.NameEach),
		medians("allocations a task", cells, measure.Allocations),
	}
	section.Targets = held("Each, by Map", by(cells, contender.NameEach, contender.NameMap), 1, noSlower)
	return section, nil
}
