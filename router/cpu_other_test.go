//go:build !unix

package router_test

import "time"

var began = time.Now()

// cpuTime returns the time since the start of this process, where the time that it has used
// processors is not known.
func cpuTime() time.Duration { return time.Since(began) }
