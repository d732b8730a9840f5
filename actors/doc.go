// Package actors has the worker pool: a typed one for plain Go, and props that
// spawn one inside an actor program.
//
// [New] makes a [Pool] with methods to submit tasks and wait for their answers, without
// an actor in sight. [NewPool] makes the same pool in an actor system, which other pools,
// a dashboard or telemetry can share.
// [PropsFromHandler] and [PropsFromProducer] give a pool as [actor.Props]: it is
// spawned like any actor, is a child of its parent like any other, and is sent
// its tasks. In either, every accepted task is settled exactly once, and whoever
// waits for it is told at once; see package messages for the ledger.
//
// # Which function to use
//
//   - Wait for one task: [Pool.Ask] returns its answer. [Pool.Submit] returns a [Future], to
//     wait later, to cancel the task, or to be called back by [Future.OnSettled]. [Pool.Tell]
//     submits a task whose answer nobody wants.
//   - Wait for many tasks: [Pool.Group] is for tasks that are submitted from several places
//     or by other tasks. [Group.Wait] returns their first error; [FailFast] cancels the rest,
//     and [MaxInFlight] limits the group.
//   - Results as they come: [Pool.Each] yields an [Answer] for each input in the order in
//     which the tasks settle, and [Group.Answers] does for a group. [Pool.Map] keeps the order
//     of the inputs. [Ahead] sets how far Each and Map run ahead.
//   - Closures: a [FuncPool] of [NewFuncPool] runs functions in place of typed inputs.
//   - State per worker: [NewPoolOf] and [PropsFromWorkers] give each worker a [Worker] of its
//     own, such as a connection, and close it. [WithMaxTasks], [WithMaxAge] and
//     [WithIdleTimeout] recycle it.
//   - Something around every task: [WithMiddleware] wraps the handler.
//   - Slow tasks: [WithHedge] starts a copy of an [Idempotent] task.
//   - Messages of actors: [Pool.PID] is the address of any pool. [PropsFromRoutees] makes a pool
//     of actors that exist already. In your own actors, [Hold] keeps a task in hand after
//     Receive has returned, and [Fail] makes it fail.
//   - Events: [Subscribe] calls a function with the events of a pool.
//   - Stop: [Pool.Shutdown] runs everything accepted, [Pool.Finish] only what runs already,
//     and [Pool.Close] cancels that too.
//
// In tests, package troupetest has constructors with the same names, which check the pool.
//
// # Contexts
//
// The context given to Ask, Submit, Tell, Map, Each and Group bounds the wait for admission.
// For Ask, Map, Each and groups its end also cancels the task. The handler's context carries
// the values of that context and the task's deadline; it ends when the task is
// canceled or timed out and when the pool closes. [context.Cause] says which. Once
// its Done, Err or Value has been called it also ends when the handler has returned;
// one that the handler only keeps for later may end later.
//
// A handler that ignores the end of its context keeps its worker busy, but keeps
// nobody waiting: the task is settled when it is canceled or its time is up.
//
// A task may be begun more than once under [WithRetry]. Each attempt has a context of
// its own; [Attempt] tells them apart, and the deadline is that of the task.
//
// # Waiting for one's own pool
//
// A handler may submit to its own pool and wait there, in any number of goroutines,
// for an answer or for room in the queue. If a wait cannot end before the handler
// has returned, it fails at once with [messages.ErrDeadlock]: because every other
// worker waits as well, or because the task waits for the worker of this handler,
// directly or through the handlers of others. A handler that waits is taken to
// return only after one of its waits has ended. The pool knows the handler by its
// context, so a handler that waits with another context, such as
// context.Background(), waits as long as that one allows. Goroutines that a
// handler has left behind are no part of it once it has returned.
//
// # Large data
//
// Go passes payloads and answers by reference: a slice, map or pointer is not
// copied, whatever its size. From submission to outcome it belongs to the
// handler, which may change it; after a timeout or a cancellation that the
// handler ignores, it belongs to the handler until that has returned.
package actors
