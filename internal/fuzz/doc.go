// Package fuzz has the fuzzers of the pool as a whole. It has no code but its tests; a
// plain run of them tries the seeds.
//
//	go test -fuzz FuzzOptions -fuzztime 1m ./internal/fuzz     # any values as options
//	go test -fuzz FuzzDispatch -fuzztime 1m ./internal/fuzz    # any tasks, sizes and losses under each dispatch
//	go test -fuzz FuzzGroup -fuzztime 1m ./internal/fuzz       # any tasks in a group, against a reference
package fuzz
