package contender

import (
	"sync"

	"github.com/troupe-go/troupe/actors"
)

// DefaultBuffer is the buffer of a bare channel unless a workload needs another: as
// many tasks as Troupe queues.
const DefaultBuffer = actors.DefaultCapacity

// Channel is a buffered channel that plain goroutines read from. It does nothing
// else, so it is the floor: what a pool costs beyond it is the price of what the
// pool does.
func Channel(buffer int) Contender {
	return Contender{Name: NameChannel, Open: func(size int, work Work) (Pool, error) {
		c := &channel{tasks: make(chan int, buffer)}
		for range size {
			c.workers.Go(func() {
				for n := range c.tasks {
					work.Do(n)
				}
			})
		}
		return c, nil
	}}
}

type channel struct {
	tasks   chan int
	workers sync.WaitGroup
}

func (c *channel) Tell(n int) error {
	c.tasks <- n
	return nil
}

func (c *channel) Close() error {
	close(c.tasks)
	c.workers.Wait()
	return nil
}
