package router_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

var errDisk, errNetwork = errors.New("disk"), errors.New("network")

func TestRetryCoversEveryErrorUnlessOnNarrowsIt(t *testing.T) {
	network := func(err error) bool { return errors.Is(err, errNetwork) }
	for name, tt := range map[string]struct {
		policy   router.Retry
		fail     func() error
		attempts int
	}{
		"any error":              {router.Retry{Attempts: 3}, func() error { return errDisk }, 3},
		"AnyError":               {router.Retry{Attempts: 3, On: router.AnyError}, func() error { return errDisk }, 3},
		"an error that On wants": {router.Retry{Attempts: 3, On: network}, func() error { return errNetwork }, 3},
		"another error":          {router.Retry{Attempts: 3, On: network}, func() error { return errDisk }, 1},
		"NoRetry":                {router.Retry{Attempts: 3}, func() error { return messages.NoRetry(errDisk) }, 1},
		"NoRetry, wrapped":       {router.Retry{Attempts: 3}, func() error { return fmt.Errorf("wrapped: %w", messages.NoRetry(errDisk)) }, 1},
		"a panic":                {router.Retry{Attempts: 3}, func() error { panic(errDisk) }, 1},
		"a panic, with Panics":   {router.Retry{Attempts: 3, Panics: true}, func() error { panic(errDisk) }, 3},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				attempts := 0
				pool, err := actors.NewPool(pooltest.System().Root, func(context.Context, int) (int, error) {
					attempts++
					return 0, tt.fail()
				}, actors.WithSize(1), actors.WithRetry(tt.policy))
				require.NoError(t, err)
				defer pool.Close()
				_, err = pool.Ask(t.Context(), 1)
				require.Error(t, err)
				assert.Equal(t, tt.attempts, attempts)
			})
		})
	}
}

func TestAPoolOfActorsTakesAnyPolicy(t *testing.T) {
	produce := func() actor.Actor { return actor.ReceiveFunc(func(actor.Context) {}) }
	for name, policy := range map[string]router.Retry{
		"of every error": {Attempts: 2},
		"of some errors": {Attempts: 2, On: router.AnyError},
		"of panics":      {Attempts: 2, Panics: true},
		"of errors, too": {Attempts: 2, Panics: true, On: router.AnyError},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pid, err := root.SpawnNamed(actors.PropsFromProducer(produce, actors.WithRetry(policy)), "pool")
				require.NoError(t, err)
				require.NoError(t, root.StopFuture(pid).Wait())
			})
		})
	}
}
