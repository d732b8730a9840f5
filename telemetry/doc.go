// Package telemetry shows what the pools of an actor system do to those who watch
// programs: as metrics for Prometheus ([NewCollector]), OpenTelemetry ([Observe] and
// [Histograms]) and expvar ([Publish]), as log lines ([Log]), and as traces
// ([NewTracer]).
//
// Metrics and logs are of all pools of the actor system, those to come included; one
// that has stopped leaves. Each has its pool's name as a label, or the ID of its PID if
// the name is taken by another. No metric has a label by task or by worker, so there are
// as many of them as there are pools, times a constant.
//
// Metrics may be read as often as one likes: all readers share snapshots of a pool, each
// of which is reused for a hundred times as long as it took to take, ten seconds at
// most. So reading costs a pool about 1 % of one processor's time at most. What is read
// is as old as that: below a millisecond for a pool of a few workers.
package telemetry
