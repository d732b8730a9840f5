// Command benchmarks measures Troupe against the worker pools that one might use
// instead, and writes what it found to docs/benchmarks.md, with plots beside it.
//
// All contenders do the same work in one process. A round runs each of them once,
// in a shuffled order, and figures are compared within a round: a noisy machine
// hurts all of them alike. Package contender has the contenders, package workload
// what they are put to.
//
// It is a module of its own, so that users of Troupe inherit none of its peers.
package main
