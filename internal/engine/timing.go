package engine

import "github.com/troupe-go/troupe/internal/meter"

// time measures the tasks that a worker has done since the last reading of the clock.
// shard is the worker's shard of the meter.
func (r *runner) time(b *base, p *workerPace, shard uint32) {
	if r.untimed == 0 {
		return
	}
	cutShort := r.cutShort
	n, took := r.measure(b)
	if n > 1 && took >= longTime && p.mean >= 0 {
		rest := min((n-1)*p.mean, took)
		r.record.Runs = append(r.record.Runs, meter.Sample{N: n - 1, Sum: rest}, meter.Sample{N: 1, Sum: took - rest})
		p.careful = carefulTasks
	} else {
		r.record.Runs = append(r.record.Runs, meter.Sample{N: n, Sum: took})
		p.learn(took/n, cutShort)
		if took >= longTime {
			p.careful = carefulTasks
		} else {
			p.careful = max(p.careful-int32(n), 0)
		}
	}
	if len(r.record.Runs) >= maxBatch {
		r.flush(b, shard)
	}
}

// skipTime leaves out the time of a task that was settled from outside, which recorded
// it then. The worker was busy with it until now.
func (r *runner) skipTime(b *base, p *workerPace, shard uint32) {
	now := b.now()
	if n := r.untimed; n > 0 {
		took := min(n*max(p.mean, 0), now-r.now)
		r.record.Runs = append(r.record.Runs, meter.Sample{N: n, Sum: took})
		r.record.Waits = append(r.record.Waits, meter.Sample{N: n, Sum: r.waited})
		r.untimed, r.waited, r.cutShort = 0, 0, false
	}
	b.meter.RecordBusy(shard, r.now, now)
	p.learn(now-r.now, true)
	r.now = now
}
