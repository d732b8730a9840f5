package main

import (
	"fmt"
	"time"

	"github.com/troupe-go/troupe/messages"
)

// summary is what the pool's statistics say at the end.
func summary(stats *messages.Stats, s settings, errors int, took time.Duration) string {
	bytes := stats.Custom["bytes"]
	return fmt.Sprintf("checksum: %s, %s in %s (%.1f MB/s) by %s, %s\n",
		count(stats.Succeeded, "file"), size(bytes), brief(took),
		float64(bytes)/1e6/max(took, time.Microsecond).Seconds(), count(int64(s.workers), "worker"), s.dispatch) +
		fmt.Sprintf("checksum: run time mean %s, p99 %s; %s, %s\n",
			brief(stats.RunTime.Mean), brief(stats.RunTime.P99),
			count(int64(errors), "error"), count(stats.Restarts, "restart"))
}

// dropReport says what an interrupt left undone.
func dropReport(dropped int, cut bool) string {
	line := fmt.Sprintf("checksum: interrupted: %s dropped", count(int64(dropped), "queued file"))
	if cut {
		line += ", the rest not looked for"
	}
	return line + "\n"
}

func count(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// size is n bytes in the largest decimal unit that leaves at least 1.
func size(n int64) string {
	if n < 1000 {
		return count(n, "byte")
	}
	x, unit := float64(n)/1000, 0
	for ; x >= 999.95 && unit < 4; unit++ {
		x /= 1000
	}
	return fmt.Sprintf("%.1f %cB", x, "kMGTP"[unit])
}

// brief is d with about three digits.
func brief(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}
