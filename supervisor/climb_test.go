package supervisor_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/supervisor"
)

// decision is a change of the size, at a look.
type decision struct{ look, from, to int }

func TestClimbGrowsToTheMaximumForTasksThatWait(t *testing.T) {
	for _, s := range []*simulation{
		{task: 0.1, pace: waiting},
		{task: 0.1, pace: waiting, noise: seeded(1)},
		{task: 0.7, pace: waiting, noise: seeded(2)},
	} {
		s.start(supervisor.Climb{}, 2)
		s.run(60)
		assert.Equal(t, []int{4, 8, 16, 32, 64}, s.decided())
		s.run(540)
		assert.Equal(t, 64, s.size)
		assert.Len(t, s.decisions, 5)
	}
}

func TestClimbGrowsWithAQueueThatIsAlwaysShort(t *testing.T) {
	s := &simulation{task: 0.1, pace: waiting, short: true}
	s.start(supervisor.Climb{}, 2)
	s.run(100)
	assert.Equal(t, 64, s.size)
}

func TestClimbEndsNearTheCoresForTasksThatCompute(t *testing.T) {
	for _, cores := range []int{4, 6, 8, 12, 16} {
		for _, from := range []int{1, 5, 8, 32, 64} {
			for seed := range uint64(3) {
				t.Run(fmt.Sprintf("%d cores from %d with noise %d", cores, from, seed), func(t *testing.T) {
					s := &simulation{task: 0.05, pace: computing(cores)}
					if seed > 0 {
						s.noise = seeded(seed)
					}
					s.start(supervisor.Climb{}, from)
					s.run(300)
					assert.GreaterOrEqual(t, s.size, cores)
					assert.LessOrEqual(t, s.size, cores+cores/2)
					assert.LessOrEqual(t, len(s.decisions), 12)
				})
			}
		}
	}
}

func TestClimbIsNotMisledByTasksThatDiffer(t *testing.T) {
	for seed := range uint64(4) {
		for _, task := range []float64{0.05, 0.5, 5} {
			s := &simulation{task: task, pace: waiting, random: seeded(seed)}
			s.start(supervisor.Climb{}, 2)
			s.run(1000)
			assert.GreaterOrEqual(t, s.size, 45, "tasks of %v s, seed %d, %v", task, seed, s.decisions)
		}
		for _, task := range []float64{0.02, 0.2} {
			s := &simulation{task: task, pace: computing(8), random: seeded(seed)}
			s.start(supervisor.Climb{}, 2)
			s.run(1000)
			assert.InDelta(t, 11, s.size, 5, "tasks of %v s, seed %d, %v", task, seed, s.decisions)
		}
	}
}

// Where every size does the same, a larger one is not better.
func TestClimbDoesNotTakeNoiseForAnImprovement(t *testing.T) {
	wrong := 0
	for seed := range uint64(100) {
		scaler, chance := supervisor.Climb{}.Scaler(8, 64, time.Second), seeded(seed)
		size := 8
		for look := range 200 {
			size, _ = scaler.Decide(supervisor.Load{
				At: time.Unix(int64(look), 0), Size: size, Busy: size, Queued: 1000,
				Throughput: 1000 + 60*(chance.Float64()-0.5), Utilization: 1,
			})
		}
		if size != 8 {
			wrong++
		}
	}
	assert.LessOrEqual(t, wrong, 3)
}

func TestClimbFollowsALoadThatChangesItsNature(t *testing.T) {
	s := &simulation{task: 0.1, pace: computing(8), noise: seeded(3)}
	s.start(supervisor.Climb{}, 2)
	s.run(200)
	require.InDelta(t, 10, s.size, 2)

	s.pace, s.task = waiting, 0.5
	s.run(200)
	assert.Equal(t, 64, s.size)

	s.pace, s.task = computing(8), 0.1
	s.run(200)
	assert.InDelta(t, 10, s.size, 2)
}

// Where the throughput does not tell, it takes the time for which a size is held.
func TestClimbTriesAgainAfterAWhile(t *testing.T) {
	s := &simulation{task: 0.1, pace: computing(8)}
	s.start(supervisor.Climb{Hold: 2 * time.Minute}, 8)
	s.run(60)
	require.Equal(t, 8, s.size)
	s.pace = waiting
	s.run(240)
	assert.Equal(t, 64, s.size)
}

func TestClimbHoldsUnderAConstantLoad(t *testing.T) {
	for _, s := range []*simulation{
		{task: 0.1, pace: computing(8)},
		{task: 0.1, pace: computing(8), noise: seeded(4)},
		{task: 0.1, pace: waiting, noise: seeded(5)},
	} {
		s.start(supervisor.Climb{}, 8)
		s.run(300)
		held, before := s.size, len(s.decisions)
		away := 0
		for range 3600 {
			s.run(1)
			if s.size != held {
				away++
			}
		}
		assert.Equal(t, held, s.size)
		assert.LessOrEqual(t, len(s.decisions)-before, 6, "two tries: one size larger, one smaller, and back")
		assert.Less(t, away, 100)
	}
}

func TestClimbWaitsForTasksLongerThanALook(t *testing.T) {
	for _, task := range []float64{3, 10, 15} {
		s := &simulation{task: task, pace: waiting}
		s.start(supervisor.Climb{}, 2)
		s.run(600)
		assert.Equal(t, []int{4, 8, 16, 32, 64}, s.decided(), "tasks of %v s", task)
	}
	s := &simulation{task: 1.5, pace: computing(8)}
	s.start(supervisor.Climb{}, 2)
	s.run(600)
	assert.InDelta(t, 10, s.size, 2)
}

func TestClimbDoesNotJudgeWhatItCannotMeasure(t *testing.T) {
	s := &simulation{task: 500, pace: waiting}
	s.start(supervisor.Climb{}, 4)
	s.run(3600)
	assert.Empty(t, s.decisions)

	s = &simulation{task: 0.1, pace: waiting}
	s.start(supervisor.Climb{}, 4)
	s.run(6)
	s.task = 500
	s.run(110)
	assert.Equal(t, []int{8, 4}, s.decided())
	assert.Equal(t, "too few tasks finished by 8 workers in 100 looks", s.why[1])
}

func TestClimbDoesNotJudgeByWhatTheLoadLacks(t *testing.T) {
	scaler := supervisor.Climb{}.Scaler(1, 64, time.Second)
	size, look := 4, 0
	see := func(looks int, queued int64, throughput float64) {
		for range looks {
			size, _ = scaler.Decide(supervisor.Load{
				At: time.Unix(int64(look), 0), Size: size, Busy: size, Queued: queued, Throughput: throughput, Utilization: 1,
			})
			look++
		}
	}
	see(6, 100, 40)
	require.Equal(t, 8, size)
	for range 100 { // a look does not count if the queue was empty at the one before
		see(1, 0, 10)
		see(1, 100, 45)
	}
	require.Equal(t, 8, size)
	see(6, 100, 80)
	require.Equal(t, 16, size)

	see(31, 0, 80) // nothing is compared with what was before such a rest
	see(5, 100, 80)
	require.Equal(t, 16, size)
	see(1, 100, 80)
	assert.Equal(t, 32, size)
}

func TestClimbDoesNotTryWhileWorkersAreFreeOrNothingWaits(t *testing.T) {
	for _, load := range []supervisor.Load{
		{Size: 8, Busy: 7, Queued: 100, Throughput: 80},
		{Size: 8, Busy: 8, Queued: 0, Throughput: 80},
	} {
		scaler := supervisor.Climb{}.Scaler(2, 64, time.Second)
		for look := range 600 {
			load.At = time.Unix(int64(look), 0)
			size, _ := scaler.Decide(load)
			require.Equal(t, 8, size)
		}
	}
}

// In a dry run, or if workers cannot be started.
func TestClimbTriesAStepThatIsNotTakenEverMoreSeldom(t *testing.T) {
	s := &simulation{task: 0.1, pace: waiting, dry: true}
	s.start(supervisor.Climb{}, 4)
	s.run(3600)
	assert.Equal(t, []int{8, 6, 6}, s.decided())
}

func TestClimbStartsAnewWhenOthersResize(t *testing.T) {
	s := &simulation{task: 0.1, pace: computing(8)}
	s.start(supervisor.Climb{}, 8)
	s.run(100)
	require.Equal(t, 8, s.size)
	s.size = 40
	s.run(100)
	assert.InDelta(t, 10, s.size, 2)
	s.size = 100
	s.run(1)
	assert.Equal(t, 64, s.size)
}

func TestClimbSaysWhatItSaw(t *testing.T) {
	s := &simulation{task: 0.1, pace: computing(4)}
	s.start(supervisor.Climb{}, 4)
	s.run(100)
	assert.Equal(t, "try 8: 4 workers finish 40/s, queued 1000", s.why[0])
	assert.Equal(t, "best: 4 workers finish 40/s", s.why[len(s.why)-1])
}
