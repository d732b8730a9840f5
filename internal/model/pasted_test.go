package model_test

import (
	"testing"

	"github.com/troupe-go/troupe/actors"
)

// Scripts that are worth a check each time: those below are seldom drawn. Whatever
// TestModel finds is pasted here as it is printed.

func TestModelLosesAWorkerWithABatchInHand(t *testing.T) {
	runScript(t, script{size: 1, capacity: 3, overflow: actors.Reject, short: true, ops: []op{
		{kind: doAsk, run: 1},
		{kind: doAsk, end: endKill, run: 1},
		{kind: doAsk, run: 1, key: "a"},
		{kind: doAsk, run: 2},
	}})
}

func TestModelHasAHigherPriorityOvertakeABatch(t *testing.T) {
	runScript(t, script{size: 1, capacity: 5, overflow: actors.Block, short: true, ops: []op{
		{kind: doBurst, run: 1, n: 3},
		{kind: doAsk, after: 2, run: 1, priority: 1},
	}})
}

func TestModelAdmitsWhoWaitedOutAPause(t *testing.T) {
	runScript(t, script{size: 2, overflow: actors.Block, ops: []op{
		{kind: doPause},
		{kind: doAsk, run: 3},
		{kind: doSubmit, run: 2, priority: 1, patience: 9},
		{kind: doTell, after: 1, run: 2, timeout: 1},
		{kind: doResume, after: 3},
	}})
}

func TestModelCutsAShutdownShortWhileARetryWaits(t *testing.T) {
	runScript(t, script{size: 2, capacity: 2, overflow: actors.DropOldest, retry: retrying{attempts: 3, min: 2, max: 8, errors: true}, ops: []op{
		{kind: doAsk, end: endError, run: 1},
		{kind: doRequest, run: 40, stubborn: true},
		{kind: doSubmit, after: 1, end: endRetryAfter, fails: 1, run: 2, again: 9},
		{kind: doWait},
		{kind: doShutdown, after: 3, d: 5},
		{kind: doAsk, after: 1, run: 1},
	}})
}

func TestModelTriesAgainWhatFailedInItsCaller(t *testing.T) {
	runScript(t, script{size: 1, overflow: actors.CallerRuns, retry: retrying{attempts: 2, min: 1, max: 1, panics: true}, ops: []op{
		{kind: doTell, run: 9},
		{kind: doSubmit, end: endPanic, fails: 1, run: 2, patience: 1},
		{kind: doAsk, end: endPanic, run: 3, stubborn: true, timeout: 2},
	}})
}

func TestModelHasKeyedTasksFollowTheirKeys(t *testing.T) {
	runScript(t, script{size: 2, capacity: 5, overflow: actors.Reject, dispatch: byHash, ops: []op{
		{kind: doTell, run: 5, key: "a"},
		{kind: doTell, run: 5, key: "a"},
		{kind: doTell, run: 5, key: "a"},
		{kind: doResize, after: 1, n: 4},
		{kind: doTell, run: 1, key: "a"},
		{kind: doTell, run: 1, key: "a"},
	}})
}

func TestModelTellsASenderExactlyHowLongItsTaskWaited(t *testing.T) {
	runScript(t, script{size: 1, capacity: actors.Unbounded, overflow: actors.Block, short: true, ops: []op{
		{kind: doBurst, run: 5, n: 30},
		{kind: doPause},
		{kind: doBurst, run: 5, n: 30},
		{kind: doTell, after: 3, run: 1},
		{kind: doRequest, after: 2, run: 1},
		{kind: doResume, after: 3},
		{kind: doRequest, after: 2, run: 1},
	}})
}

func TestModelKeepsTheCapacityWhenAPickedWorkerIsGone(t *testing.T) {
	runScript(t, script{size: 1, overflow: actors.Block, dispatch: byPick, short: true, ops: []op{
		{kind: doAsk, run: 2},
		{kind: doResize, n: 3},
		{kind: doAsk, end: endKill, run: 5},
		{kind: doAsk, after: 3, run: 5},
		{kind: doPause, after: 4},
		{kind: doAsk, after: 1, run: 5, key: "bb", patience: -1},
		{kind: doAsk, after: 1, run: 3},
		{kind: doResume},
	}})
}

func TestModelQueuesARetryFromACallerForTheOnlyWorker(t *testing.T) {
	runScript(t, script{size: 1, capacity: 2, overflow: actors.CallerRuns, dispatch: byPick, retry: retrying{attempts: 2, min: 1, max: 1, panics: true}, ops: []op{
		{kind: doAsk, run: 1},
		{kind: doAsk, after: 1, run: 1},
		{kind: doAsk, run: 1, patience: 1},
		{kind: doAsk, after: 1, end: endPanic, run: 1, patience: 5},
		{kind: doBroadcast, end: endError, run: 1, again: 1},
		{kind: doAsk, run: 1},
		{kind: doAsk, end: endGoexit, fails: 1, run: 1, priority: 2, key: "a"},
		{kind: doSubmit, run: 2, key: "a"},
		{kind: doRequest, after: 1, fails: 1, run: 7, key: "bb"},
		{kind: doSubmit, fails: 3, run: 1, key: "a", timeout: 1},
		{kind: doAsk, after: 3, fails: 1, run: 1},
	}})
}

func TestModelTriesAgainInTheOrderInWhichTasksAreDue(t *testing.T) {
	runScript(t, script{size: 1, capacity: 1, overflow: actors.Block, dispatch: byPick, retry: retrying{attempts: 2, min: 1, max: 1, panics: true}, ops: []op{
		{kind: doAsk, run: 1},
		{kind: doRequest, end: endKill, run: 1},
		{kind: doAsk, end: endPanic, run: 1},
		{kind: doAsk, run: 2},
	}})
}

func TestModelPassesOverAWorkerWhoseShareIsFull(t *testing.T) {
	runScript(t, script{size: 2, capacity: 3, overflow: actors.Reject, dispatch: roundRobin, ops: []op{
		{kind: doTell, run: 90},
		{kind: doTell, run: 1},
		{kind: doTell, after: 2, run: 1},
		{kind: doTell, after: 2, run: 1},
		{kind: doTell, after: 2, run: 1},
		{kind: doTell, after: 2, run: 1},
		{kind: doTell, after: 2, run: 1},
		{kind: doTell, after: 2, run: 1},
	}})
}

func TestModelDropsTheOldestTaskOfTheWorkerWhoseTurnItIs(t *testing.T) {
	runScript(t, script{size: 2, capacity: 2, overflow: actors.DropOldest, dispatch: roundRobin, ops: []op{
		{kind: doSubmit, run: 12},
		{kind: doSubmit, run: 9},
		{kind: doSubmit, run: 1},
		{kind: doSubmit, run: 1},
		{kind: doSubmit, after: 1, run: 1},
		{kind: doSubmit, after: 1, run: 1},
		{kind: doSubmit, after: 1, run: 1, priority: -1},
		{kind: doSubmit, after: 1, run: 1},
	}})
}

func TestModelAdmitsEachWaiterToTheWorkerThatItPicked(t *testing.T) {
	runScript(t, script{size: 2, overflow: actors.Block, dispatch: byPick, ops: []op{
		{kind: doSubmit, run: 9},
		{kind: doSubmit, run: 3, key: "a"},
		{kind: doSubmit, run: 1},
		{kind: doSubmit, run: 1, key: "a"},
		{kind: doSubmit, run: 1, key: "a", noWait: true},
		{kind: doSubmit, run: 1, key: "a"},
	}})
}

func TestModelRefusesABroadcastAsAWhole(t *testing.T) {
	runScript(t, script{size: 3, capacity: 2, overflow: actors.Block, dispatch: roundRobin, ops: []op{
		{kind: doBroadcast, run: 5},
		{kind: doBroadcast, after: 1, run: 1},
		{kind: doSubmit, run: 1},
		{kind: doBroadcast, after: 8, end: endPanic, run: 1},
	}})
}

func TestModelReplacesAUserActorThatStopsItself(t *testing.T) {
	runScript(t, script{size: 1, capacity: actors.Unbounded, overflow: actors.Block, dispatch: roundRobin, actors: true, ops: []op{
		{kind: doRequest, end: endSelfStop, run: 2, plain: true},
		{kind: doRequest, end: endSelfStop, run: 2},
		{kind: doRequest, end: endSelfStop, run: 1, timeout: 20},
		{kind: doBurst, run: 1, n: 5},
		{kind: doRequest, end: endKill, run: 1},
		{kind: doRequest, run: 3},
		{kind: doShutdown, after: 3},
	}})
}

func TestModelDoesNotPassOverAWorkerWithRoom(t *testing.T) {
	runScript(t, script{size: 2, capacity: 3, overflow: actors.Block, dispatch: roundRobin, short: true, ops: []op{
		{kind: doAsk, run: 1},
		{kind: doAsk, run: 1},
		{kind: doRequest, after: 2, run: 1},
		{kind: doBurst, run: 2, n: 4},
		{kind: doAsk, after: 3, run: 1},
	}})
}

func TestModelAdmitsATaskForAFreeWorkerBesidesAPinnedRetry(t *testing.T) {
	runScript(t, script{size: 2, overflow: actors.Block, retry: retrying{attempts: 2, min: 1, max: 1, panics: true}, actors: true, ops: []op{
		{kind: doBroadcast, end: endPanic, run: 5},
		{kind: doResume, after: 2},
		{kind: doBurst, after: 2, run: 1, n: 2},
		{kind: doRequest, after: 1, run: 8, plain: true},
		{kind: doRequest, after: 3, run: 1},
		{kind: doRequest, after: 4, run: 1},
	}})
}

func TestModelFinishesWhileARetryWaitsAndATaskFails(t *testing.T) {
	runScript(t, script{size: 2, capacity: 5, overflow: actors.Block, retry: retrying{attempts: 3, min: 4, max: 8, errors: true}, ops: []op{
		{kind: doSubmit, end: endError, run: 1},
		{kind: doSubmit, after: 3, end: endError, run: 5},
		{kind: doSubmit, run: 9},
		{kind: doAsk, run: 2},
		{kind: doFinish, after: 1, d: 100},
	}})
}

func TestModelFinishesWhatShutsDown(t *testing.T) {
	runScript(t, script{size: 1, capacity: 5, overflow: actors.Block, dispatch: roundRobin, ops: []op{
		{kind: doPause},
		{kind: doTell, run: 4},
		{kind: doSubmit, run: 4},
		{kind: doRequest, run: 4},
		{kind: doShutdown, after: 1, d: 100},
		{kind: doFinish, after: 2, d: 100},
		{kind: doShutdown, after: 1, d: 1},
	}})
}

func TestModelEndsTasksWithTheirContexts(t *testing.T) {
	runScript(t, script{size: 1, capacity: 5, overflow: actors.CallerRuns, ops: []op{
		{kind: doSubmit, run: 9, patience: 3, bound: true},
		{kind: doTell, run: 2, patience: 1, bound: true},
		{kind: doSubmit, run: 2, patience: 2},
		{kind: doSubmit, run: 2, stubborn: true, patience: 6, bound: true},
	}})
}

func TestModelLetsHandlersNameOutcomes(t *testing.T) {
	runScript(t, script{size: 2, capacity: 5, overflow: actors.Block, retry: retrying{attempts: 3, min: 1, max: 2, errors: true}, ops: []op{
		{kind: doAsk, end: endTimedOut, run: 1},
		{kind: doSubmit, end: endCanceled, run: 1},
		{kind: doRequest, end: endDropped, run: 2},
		{kind: doTell, end: endQuarantined, run: 1},
	}})
}

func TestModelRecyclesWorkers(t *testing.T) {
	runScript(t, script{size: 2, capacity: 5, overflow: actors.Block, states: stateful{on: true, maxTasks: 2, maxAge: 12, idle: 5}, ops: []op{
		{kind: doAsk, run: 3},
		{kind: doSubmit, end: endPanic, run: 2},
		{kind: doTell, run: 4, stubborn: true, timeout: 2},
		{kind: doResize, after: 4, n: 4},
		{kind: doAsk, after: 3, run: 9},
		{kind: doAsk, run: 2},
		{kind: doResize, after: 4, n: 1},
		{kind: doSubmit, after: 2, run: 2},
	}})
}

func TestModelStartsWorkersThatFailToStart(t *testing.T) {
	runScript(t, script{size: 2, capacity: 5, overflow: actors.Block, states: stateful{on: true, maxTasks: 1, idle: 3, failing: 2}, ops: []op{
		{kind: doAsk, run: 2},
		{kind: doSubmit, end: endPanic, run: 3},
		{kind: doBurst, after: 9, run: 1, n: 4},
		{kind: doAsk, end: endKill, run: 2},
	}})
}

func TestModelWaitsForTheGroupsOfABurst(t *testing.T) {
	runScript(t, script{size: 2, capacity: 3, overflow: actors.Reject, retry: retrying{attempts: 2, min: 2, max: 2, errors: true}, ops: []op{
		{kind: doAsk, end: endError, fails: 1, run: 3},
		{kind: doBurst, after: 1, run: 4, n: 6},
		{kind: doBurst, after: 9, run: 2, n: 2},
		{kind: doResize, after: 1, n: 4},
		{kind: doClose, after: 2},
	}})
}
