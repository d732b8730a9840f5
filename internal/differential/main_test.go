package differential_test

import (
	"io"
	"log"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // the router by consistent hashing logs messages without a key
	defer log.SetOutput(os.Stderr)
	goleak.VerifyTestMain(m)
}
