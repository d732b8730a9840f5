package actors

import "github.com/troupe-go/troupe/internal/invalid"

// GroupOption configures a [Group] or a [FuncGroup].
type GroupOption interface{ applyGroup(*groupConfig) error }

type groupOption func(*groupConfig) error

func (o groupOption) applyGroup(c *groupConfig) error { return o(c) }

type groupConfig struct {
	failFast bool
	max      int // tasks that may be unsettled; 0: any number
}

func newGroupConfig(options []GroupOption) (c groupConfig, err error) {
	for i, o := range options {
		if o == nil {
			return c, invalid.Option("group option %d is nil", i)
		}
		if err := o.applyGroup(&c); err != nil {
			return c, err
		}
	}
	return c, nil
}

// FailFast makes the first error of a group cancel its other tasks: those that wait do not
// start, and the contexts of those that run end. Later submissions to the group are
// rejected; one that waits for room in the pool goes on to wait, and is canceled then. The default is to run every task.
func FailFast() GroupOption {
	return groupOption(func(c *groupConfig) error {
		c.failFast = true
		return nil
	})
}

// MaxInFlight sets how many tasks of a group may be unsettled at a time. Further submissions
// wait, first come, first served. The default is no limit but that of the pool's queue. A
// number below 1 is an error.
//
// A task that submits to its own group takes a place itself. If all places are taken by tasks
// that wait for a place, they wait until the context of the group ends.
func MaxInFlight(n int) GroupOption {
	return groupOption(func(c *groupConfig) error {
		if n < 1 {
			return invalid.Option("MaxInFlight(%d) < 1", n)
		}
		c.max = n
		return nil
	})
}
