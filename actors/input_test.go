package actors_test

import (
	"context"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
	"github.com/troupe-go/troupe/supervisor"
)

func TestABadOptionIsAnErrorThatNamesIt(t *testing.T) {
	timelimit.Set(t)
	root := pooltest.System().Root
	for _, tt := range []struct {
		option actors.Option
		says   string
	}{
		{actors.WithSize(0), "size 0"},
		{actors.WithSize(-3), "size -3"},
		{actors.WithSize(supervisor.MaxSize + 1), "size 1000001 > 1000000"},
		{actors.WithAutoscale(supervisor.Autoscale{Min: 1, Max: 1 << 40}), "1000000"},
		{actors.WithTracer(nil), "tracer is nil"},
		{actors.WithQueue(-1, actors.Block), "capacity -1"},
		{actors.WithQueue(1, 0), "Overflow(0)"},
		{actors.WithQueue(1, 99), "Overflow(99)"},
		{actors.WithDispatch(router.Dispatch{}), "dispatch"},
		{actors.WithDispatch(router.Custom(nil)), "dispatch"},
		{actors.WithTaskTimeout(-time.Second), "-1s"},
		{actors.WithHealth(0), "0s"},
		{actors.WithHealth(-time.Second), "-1s"},
		{actors.WithSupervision(nil), "strategy is nil"},
		{actors.WithSupervision((*supervisor.Backoff)(nil)), "strategy is nil"},
		{actors.WithSupervision(supervisor.OneForOne(supervisor.Restarts(-1, 0))), "-1 restarts"},
		{actors.WithSupervision(supervisor.OneForOne(supervisor.Restarts(1, -time.Second))), "-1s"},
		{actors.WithSupervision(supervisor.OneForOne(supervisor.Decider(nil))), "nil decider"},
		{actors.WithLogger(nil), "logger is nil"},
		{actors.WithName(""), `name ""`},
		{actors.WithName("a/b"), `"a/b"`},
		{actors.WithWorkerProps(nil), "option 0 is nil"},
		{nil, "option 1 is nil"},
	} {
		t.Run(tt.says, func(t *testing.T) {
			_, err := actors.NewPool(root, pooltest.Double, actors.WithName("unused"), tt.option)
			assert.ErrorIs(t, err, messages.ErrInvalidOption)
			assert.ErrorContains(t, err, tt.says)
			for _, props := range []*actor.Props{
				actors.PropsFromHandler(pooltest.Double, actors.WithSize(1), tt.option),
				actors.PropsFromProducer(func() actor.Actor { return nil }, actors.WithSize(1), tt.option),
			} {
				_, err = root.SpawnNamed(props, "unused")
				assert.ErrorIs(t, err, messages.ErrInvalidOption)
				assert.ErrorContains(t, err, tt.says)
			}
		})
	}
	pooltest.Open(t, root, pooltest.Double, actors.WithName("unused")) // nothing holds the name
}

func TestAPoolNeedsAHandler(t *testing.T) {
	root := pooltest.System().Root
	_, err := actors.NewPool[int, int](root, nil)
	assert.ErrorIs(t, err, messages.ErrInvalidOption)
	assert.ErrorContains(t, err, "nil")
	for _, props := range []*actor.Props{actors.PropsFromHandler[int, int](nil), actors.PropsFromProducer(nil)} {
		_, err = root.SpawnNamed(props, "pool")
		assert.ErrorIs(t, err, messages.ErrInvalidOption)
		assert.Panics(t, func() { root.Spawn(props) }, "as Proto.Actor's Spawn does")
	}
}

func TestTwoPoolsCannotHaveOneName(t *testing.T) {
	timelimit.Set(t)
	root := pooltest.System().Root
	first := pooltest.Open(t, root, pooltest.Double, actors.WithName("twin"))
	_, err := actors.NewPool(root, pooltest.Double, actors.WithName("twin"))
	assert.ErrorIs(t, err, actor.ErrNameExists)
	assert.ErrorIs(t, err, messages.ErrInvalidOption)
	assert.ErrorContains(t, err, `"twin"`)
	_, err = root.SpawnNamed(actors.PropsFromHandler(pooltest.Double), "twin")
	assert.ErrorIs(t, err, actor.ErrNameExists)
	_, err = first.Ask(t.Context(), 1)
	assert.NoError(t, err, "the first is none the worse for it")
}

func TestAProducerThatPanicsIsAnErrorOfTheSpawn(t *testing.T) {
	root := pooltest.System().Root
	n := 0
	for range 2 {
		_, err := root.SpawnNamed(actors.PropsFromProducer(func() actor.Actor {
			if n++; n%3 == 0 { // the third worker
				panic("no actor today")
			}
			return actor.ReceiveFunc(func(actor.Context) {})
		}, actors.WithSize(4)), "unlucky")
		assert.ErrorContains(t, err, "no actor today")
	}
}

func TestABadTaskOptionRejectsTheTask(t *testing.T) {
	timelimit.Set(t)
	pool := pooltest.Open(t, pooltest.System().Root, pooltest.Double)
	for _, tt := range []struct {
		option actors.TaskOption
		says   string
	}{
		{actors.Timeout(-time.Second), "-1s"},
		{actors.TaskOption{}, "option 0"},
	} {
		for _, s := range submissions(pool) {
			err := s.do(t.Context(), 1, tt.option)
			assert.ErrorIs(t, err, messages.ErrInvalidOption, s.name)
			assert.ErrorContains(t, err, tt.says, s.name)
		}
	}
	stats := pool.Stats()
	assert.Equal(t, [2]int64{0, 6}, [2]int64{stats.Submitted, stats.Rejected}, "an error of a submission is a rejection")
}

func TestAResizeToNothingOrTooMuchIsAnError(t *testing.T) {
	timelimit.Set(t)
	pool := pooltest.Open(t, pooltest.System().Root, pooltest.Double, actors.WithSize(2))
	for _, size := range []int{0, -1, supervisor.MaxSize + 1, 1 << 40} {
		err := pool.Resize(t.Context(), size)
		assert.ErrorIs(t, err, messages.ErrInvalidOption)
		assert.ErrorContains(t, err, "size")
	}
	assert.Equal(t, 2, pool.Stats().Size)
}

func TestAReportFromNowhereIsAnError(t *testing.T) {
	err := actors.Report(context.Background(), "bytes", 1)
	assert.ErrorIs(t, err, messages.ErrInvalidOption)
	assert.ErrorContains(t, err, `"bytes"`)
	_, ok := actors.TaskFromContext(context.Background())
	assert.False(t, ok)
}

func TestAWrongPayloadIsNamedByItsType(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Double)
		in := pooltest.NewInbox(t, root)
		result := in.Result(t, pool.PID(), &messages.Task{Payload: "one"})
		assert.ErrorIs(t, result.Err, messages.ErrPayloadType)
		assert.ErrorContains(t, result.Err, "string")
		assert.ErrorContains(t, result.Err, "int")
	})
}

func TestSizesRespectTheProcessorsThatAProgramMayUse(t *testing.T) {
	timelimit.Set(t)
	for _, size := range []int{actors.SizeCPU(), actors.SizeCPUMinusOne(), actors.SizeMixed(), actors.SizeShort()} {
		assert.Positive(t, size)
	}
	assert.Equal(t, 2*actors.SizeCPU(), actors.SizeMixed())
	assert.GreaterOrEqual(t, actors.SizeShort(), 2)
	pool := pooltest.Open(t, pooltest.System().Root, pooltest.Double)
	require.Equal(t, actors.SizeCPU(), pool.Stats().Size, "the default")
	require.Equal(t, actors.DefaultCapacity, pool.Stats().QueueCapacity)
}
