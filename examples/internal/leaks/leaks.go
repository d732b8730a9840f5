package leaks

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// VerifyTestMain runs the tests of a package and exits. If the tests pass and [Find] finds
// goroutines, it prints them, and the exit code is 1.
func VerifyTestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := Find(); err != nil {
			fmt.Fprintln(os.Stderr, "goroutines are left:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// Find returns an error if goroutines are left after two seconds. After a dead letter,
// Proto.Actor keeps a goroutine for one second. goleak alone waits half a second.
func Find() (err error) {
	const attempts = 5
	for range attempts {
		if err = goleak.Find(); err == nil {
			return nil
		}
	}
	return err
}
