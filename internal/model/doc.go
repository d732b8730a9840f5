// Package model tests the pool against a reference. It has no code but its tests.
//
// TestModel draws scripts: a configuration of a pool and what is done to it, step by
// step. A runner carries a script out with a real pool in virtual time and keeps an
// account of the outcome of each task, of who hears of it, and when. A reference, which
// follows the documentation alone, predicts that account. A script whose accounts differ
// is shrunk and printed as a test; paste it into pasted_test.go.
//
//	go test ./internal/model                                      # 100 scripts of each family
//	go test -run TestModel ./internal/model -rapid.checks=10000   # more of them
//	go test -run TestModel ./internal/model -rapid.log            # print each script before it runs
//
// The go command takes no packages after a flag of the test's own.
package model
