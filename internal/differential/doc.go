// Package differential compares Troupe's pools with the routers of Proto.Actor. It has no
// code but its tests.
//
// TestPoolsDoWhatRoutersDo plays each scenario twice, with a router and with a pool: for
// each kind of dispatch, and both for routees that the router makes (pools) and for
// routees that it is given (groups). Senders, routees and watchers note what they see, and
// so does whoever listens to Proto.Actor dead letters. Notes that differ must be in the
// list in differences_test.go, with the reason. A difference that is not listed fails the
// test, and so does a listed one that has vanished.
//
// Two differences are in almost every scenario: a routee that the pool has not made sees an
// address of the pool's as the sender of its messages, and GetRoutees is answered from the PID of
// the pool. The notes have these senders only in scenarios that are about them. In all others, the
// answers show who the senders were.
//
// After a change that is meant to be seen, write the list anew and give each new difference
// its reason:
//
//	go test -run TestPoolsDoWhatRoutersDo ./internal/differential -update
//
// To see the notes of a scenario, run it with -v:
//
//	go test -v -run 'TestPoolsDoWhatRoutersDo/a_routee_panics' ./internal/differential
//
// # What cannot be compared
//
// Routers cannot play these scenarios. Tests of package actors have them where they mean
// something for a pool.
//
//   - Routees come and go while others send. A router reads the set of its routees on the
//     goroutine of the sender, while its actor changes it: a data race.
//   - Several routees answer one future, as in a broadcast. The future writes its result
//     without a lock: a data race.
//   - A nil message. The routee's mailbox counts a message that it cannot pop, and polls for
//     it forever.
//   - More messages at once than the queue of a group holds. How many of them a pool has
//     forwarded when the queue is full is up to the scheduler.
//   - AddRoutee or RemoveRoutee without a PID. The router's actor panics.
//   - A guardian that escalates. Proto.Actor ends the process.
package differential
