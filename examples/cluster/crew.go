package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/troupe-go/troupe/jetstream/local"
)

// A crew is the workers, and what they say they have done.
type crew struct {
	servers []string
	workers [3]*local.Process

	mu   sync.Mutex
	by   [3]int         // guarded by mu; tasks done by each
	done map[string]int // guarded by mu; how often each task
}

func newCrew(servers []string) *crew { return &crew{servers: servers, done: make(map[string]int)} }

// start starts a worker.
func (c *crew) start(i int) error {
	text, err := json.Marshal(errand{Name: "worker-" + strconv.Itoa(i+1), Servers: c.servers})
	if err != nil {
		return err
	}
	c.workers[i], err = local.Spawn(workerRole, string(text), func(picture string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.by[i]++
		c.done[picture]++
	})
	return err
}

// kill ends a worker as kill -9 does.
func (c *crew) kill(i int) error { return c.workers[i].Kill() }

// stop has the workers stop, and waits until they have.
func (c *crew) stop() {
	for _, w := range c.workers {
		if w == nil {
			continue
		}
		if w.Signal(os.Interrupt) != nil { // it is gone, or the system knows no such signal
			_ = w.Kill()
		}
		<-w.Done()
	}
}

// counts are how many tasks have been done, and how many of them more than once.
func (c *crew) counts() (done, twice int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, times := range c.done {
		if times > 1 {
			twice++
		}
	}
	return len(c.done), twice
}

// tally says who did what.
func (c *crew) tally() string {
	done, _ := c.counts()
	c.mu.Lock()
	defer c.mu.Unlock()
	var who []string
	for i, n := range c.by {
		who = append(who, fmt.Sprintf("worker-%d %d", i+1, n))
	}
	return fmt.Sprintf("%d done: %s", done, strings.Join(who, ", "))
}
