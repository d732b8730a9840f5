package contender

import (
	"sync"

	"github.com/troupe-go/troupe/actors"
)

// perWorker is the least room that Troupe's queue has for each worker by default.
const perWorker = 32

// Channel is a buffered channel that plain goroutines read from, with as much room as
// Troupe's queue has by default. It does nothing else, so it is the floor: what a pool
// costs beyond it is the price of what the pool does.
func Channel() Contender {
	return Contender{Name: NameChannel, Open: func(size int, work Work) (Pool, error) {
		return openChannel(size, max(actors.DefaultCapacity, perWorker*size), work), nil
	}}
}

// ChannelWithRoom is a bare channel with a buffer for so many tasks.
func ChannelWithRoom(buffer int) Contender {
	return Contender{Name: NameChannel, Open: func(size int, work Work) (Pool, error) {
		return openChannel(size, buffer, work), nil
	}}
}

func openChannel(size, buffer int, work Work) *channel {
	c := &channel{tasks: make(chan int, buffer)}
	for range size {
		c.workers.Go(func() {
			for n := range c.tasks {
				work.Do(n)
			}
		})
	}
	return c
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
