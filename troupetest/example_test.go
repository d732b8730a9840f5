package troupetest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/troupetest"
)

// TestShout would hang if the pool never answered. TimeLimit ends it after three minutes.
func TestShout(t *testing.T) {
	troupetest.TimeLimit(t)
	pool, err := actors.New(func(_ context.Context, text string) (string, error) {
		return strings.ToUpper(text), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if text, err := pool.Ask(t.Context(), "hello"); text != "HELLO" || err != nil {
		t.Error(text, err)
	}
}
