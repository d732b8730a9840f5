package meter

import "time"

// A Histogram counts durations by their lengths. It is never changed, and the zero
// value counts none. It tells lengths within 1 %, up to 26 hours.
type Histogram struct {
	Count int64
	Sum   float64 // in nanoseconds
	bars  []bar   // ascending; those that count something
}

// bar counts the durations that are not in the bar before it, up to a length in
// nanoseconds.
type bar struct{ to, count int64 }

// Histograms are those of the waiting and running times recorded so far.
func (m *Meter) Histograms() (wait, run Histogram) {
	w, r := m.durations()
	return w.bars(), r.bars()
}

func (d *durations) bars() Histogram {
	h := Histogram{Count: d.count, Sum: d.sum}
	if d.count == 0 {
		return h
	}
	for _, b := range d.histogram.Distribution() {
		if b.Count > 0 {
			h.bars = append(h.bars, bar{to: b.To, count: b.Count})
		}
	}
	return h
}

// Since is what has been counted since an earlier histogram of the same durations was
// taken.
func (h Histogram) Since(earlier Histogram) Histogram {
	since := Histogram{Count: h.Count - earlier.Count, Sum: h.Sum - earlier.Sum}
	old := earlier.bars
	for _, b := range h.bars {
		if len(old) > 0 && old[0].to == b.to {
			b.count -= old[0].count
			old = old[1:]
		}
		if b.count > 0 {
			since.bars = append(since.bars, b)
		}
	}
	return since
}

// AtMost says how many durations are no longer than each of the bounds, which ascend.
func (h Histogram) AtMost(bounds ...time.Duration) []uint64 {
	counts := make([]uint64, len(bounds))
	bars, sum := h.bars, uint64(0)
	for i, bound := range bounds {
		for len(bars) > 0 && bars[0].to <= int64(bound) {
			sum += uint64(bars[0].count)
			bars = bars[1:]
		}
		counts[i] = sum
	}
	return counts
}

// Quantile is the length that the share q, 0 to 1, of the durations does not exceed; 0
// if there are none.
func (h Histogram) Quantile(q float64) time.Duration {
	rank, counted := q*float64(h.Count), int64(0)
	for _, b := range h.bars {
		if counted += b.count; float64(counted) >= rank {
			return time.Duration(b.to)
		}
	}
	return 0
}
