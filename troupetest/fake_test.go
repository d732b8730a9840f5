package troupetest_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// A fakeT is a test that may fail: it keeps its failures for a test that checks them.
type fakeT struct {
	testing.TB
	name string
	out  bytes.Buffer // used by one goroutine at a time

	mu       sync.Mutex
	failures []string // guarded by mu
	cleanups []func() // guarded by mu
}

func newFakeT(t testing.TB) *fakeT { return &fakeT{TB: t, name: t.Name() + "/fake"} }

func (f *fakeT) Name() string      { return f.name }
func (f *fakeT) Helper()           {}
func (f *fakeT) Output() io.Writer { return &f.out }

func (f *fakeT) Cleanup(cleanup func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cleanups = append(f.cleanups, cleanup)
}

func (f *fakeT) Error(args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures = append(f.failures, fmt.Sprint(args...))
}

func (f *fakeT) Errorf(format string, args ...any) { f.Error(fmt.Sprintf(format, args...)) }

func (f *fakeT) Fatal(args ...any) {
	f.Error(args...)
	runtime.Goexit()
}

func (f *fakeT) Fatalf(format string, args ...any) { f.Fatal(fmt.Sprintf(format, args...)) }

// run runs a test with its cleanups, as package testing does, and returns its failures.
func (f *fakeT) run(test func()) string {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer f.clean()
		test()
	}()
	<-ended
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.failures, "\n")
}

func (f *fakeT) clean() {
	for {
		f.mu.Lock()
		last := len(f.cleanups) - 1
		if last < 0 {
			f.mu.Unlock()
			return
		}
		cleanup := f.cleanups[last]
		f.cleanups = f.cleanups[:last]
		f.mu.Unlock()
		cleanup()
	}
}
