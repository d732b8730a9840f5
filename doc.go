// Package troupe is the map of a worker-pool framework in which every part is an
// actor on Proto.Actor (github.com/asynkron/protoactor-go). It has no code.
//
// A troupe is a company of actors. This one takes tasks at one address, gives
// each to a worker, survives the workers' failures, and accounts for every task:
// it is accepted or rejected at once, and an accepted one is settled exactly
// once, with one outcome, of which whoever waits for it is told.
//
// # Packages
//
//   - [github.com/troupe-go/troupe/actors] is where to begin: New makes a typed
//     pool for a Go program, NewPool one in an actor system, NewPoolOf one whose
//     workers have state, and NewFuncPool one that runs functions. PropsFromHandler,
//     PropsFromWorkers, PropsFromProducer and PropsFromRoutees make one that is spawned
//     as an actor. Hold, Fail and Subscribe are for programs of actors.
//     Ask waits for one task, groups wait for many, Each and Map yield results. Futures
//     and all options are there too.
//   - [github.com/troupe-go/troupe/messages] is what is said to a pool and what it
//     answers: tasks and results, outcomes, statistics, control messages, events
//     and errors. Whoever only knows a pool's PID needs no other package.
//   - [github.com/troupe-go/troupe/router] configures what a pool does with its
//     tasks: dispatch, overflow, retry, quarantine, watchdog, breaker and tracer.
//   - [github.com/troupe-go/troupe/supervisor] configures what a pool does about its
//     workers: supervision strategies, budgets, backoff and autoscaling.
//   - [github.com/troupe-go/troupe/dashboard] shows the pools of an actor system in a
//     browser.
//   - [github.com/troupe-go/troupe/telemetry] has metrics of them, for Prometheus,
//     OpenTelemetry and expvar, a log of what happens to tasks, and traces.
//   - [github.com/troupe-go/troupe/guard] calls user code safely, for extensions of
//     Troupe in modules of their own.
//   - [github.com/troupe-go/troupe/troupetest] helps to test programs that use Troupe: its
//     pools record every task, and fail the test if a task, a state of a worker or a
//     goroutine is left over.
//
// Durable queues are in a module of their own, github.com/troupe-go/troupe/jetstream.
//
// Imports go one way: messages knows none of the others, router and supervisor
// do not know each other, actors brings them together, and dashboard and telemetry come
// on top.
//
// # Where to look
//
// The directory examples has one small program for each use; begin with
// examples/hello and examples/quickstart, and examples/actorapp if the program consists
// of actors.
// The test beside this file, actors_test.go, is the specification of a pool: one
// test for each contract.
package troupe
