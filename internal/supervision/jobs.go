package supervision

// A job is something that changes how many workers there are. It must call done when the
// next job may begin.
type job func(done func())

// jobs run one after another. A job that waits for the nursery does not block the
// supervisor.
type jobs struct {
	waiting []job
	running bool // a job has begun and is not done
	stopped bool
	looping bool // next is running
}

// add runs a job after those that have been added before, unless jobs are stopped.
func (j *jobs) add(next job) {
	if j.stopped {
		return
	}
	j.waiting = append(j.waiting, next)
	j.next()
}

// next runs jobs until one has to wait.
func (j *jobs) next() {
	if j.looping { // it was called by a job that is done at once
		return
	}
	j.looping = true
	defer func() { j.looping = false }()
	for !j.running && len(j.waiting) > 0 {
		next := j.waiting[0]
		j.waiting[0] = nil
		j.waiting = j.waiting[1:]
		j.running = true
		next(j.done())
	}
}

// done returns the function that a job calls when it is done. Further calls do nothing.
func (j *jobs) done() func() {
	done := false
	return func() {
		if done {
			return
		}
		done, j.running = true, false
		j.next()
	}
}

// idle reports whether no job is running or waiting.
func (j *jobs) idle() bool { return !j.running && len(j.waiting) == 0 }

// stop forgets the jobs that wait and those that will be added.
func (j *jobs) stop() { j.waiting, j.stopped = nil, true }
