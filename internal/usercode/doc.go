// Package usercode has no code, only tests: each place where a pool calls user code, times
// each way in which that can misbehave. A place that is added to Troupe must be added to the
// list in one of the files named …places_test.go.
package usercode
