package jetstream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/jetstream"
)

// The roles of the processes that the tests start.
const (
	workerRole    = "worker"    // has a pool that is fed from the queue
	submitterRole = "submitter" // submits to a store that it has in itself
	serveRole     = "serve"     // takes part in a benchmark
)

// A child is what a process of the tests is told.
type child struct {
	Name      string
	Journal   string   // a file
	URLs      []string // of the store
	Directory string   // of the submitter's

	Workers, Prefetch int
	Least, Most       time.Duration // that the work on a task lasts
	Submit            []int         // the first task and the one after the last
}

// What a child writes to its journal. A write outlives kill -9.
const (
	taken  = "taken"  // the pool is given the task
	begun  = "begun"  // a handler has it
	done   = "done"   // it returns
	halted = "halted" // the feeder is about to be stopped
	stored = "stored" // the task has been submitted
)

// An entry is a line of a journal.
type entry struct {
	Event string
	Task  int
	Times int // as its delivery says
	At    time.Time
	by    string // the child's name
}

// A journal is written by one process, one write for each entry.
type journal struct{ file *os.File }

func openJournal(path string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	return &journal{file}, err
}

func (j *journal) write(event string, task, times int) error {
	line, err := json.Marshal(entry{Event: event, Task: task, Times: times, At: time.Now()})
	if err != nil {
		return err
	}
	_, err = j.file.Write(append(line, '\n'))
	return err
}

// watched is the default codec, which shows what a pool is given and when.
type watched struct {
	jetstream.JSON
	journal *journal
}

func (w watched) Unmarshal(data []byte, v any) error {
	if err := w.JSON.Unmarshal(data, v); err != nil {
		return err
	}
	return w.journal.write(taken, *v.(*int), 0)
}

// readyLine is what a child writes to its standard output when it has begun.
const readyLine = "ready"

// work is the role of a worker. When it is told to stop, it hurries, and writes what
// its feeder has counted.
func work(ctx context.Context, text string) error {
	var c child
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	journal, err := openJournal(c.Journal)
	if err != nil {
		return err
	}
	store, err := jetstream.Open(ctx, jetstream.WithURL(c.URLs...), jetstream.WithNode(c.Name))
	if err != nil {
		return err
	}
	queue, err := jetstream.NewQueue[int](ctx, store, "numbers", jetstream.WithCodec(watched{journal: journal}))
	if err != nil {
		return err
	}
	pool, err := actors.NewPool(quietSystem().Root, c.handler(journal), actors.WithSize(c.Workers))
	if err != nil {
		return err
	}
	feeder, err := jetstream.Attach(queue, pool, jetstream.WithPrefetch(c.Prefetch))
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, readyLine)
	<-ctx.Done()

	if err := journal.write(halted, 0, 0); err != nil {
		return err
	}
	node, err := feeder.Stop(ctx)
	if !errors.Is(err, context.Canceled) && err != nil {
		return err
	}
	line, err := json.Marshal(node)
	fmt.Fprintln(os.Stdout, string(line))
	return errors.Join(err, store.Close(context.Background()))
}

func (c *child) handler(journal *journal) actors.Handler[int, int] {
	return func(ctx context.Context, n int) (int, error) {
		d, _ := jetstream.DeliveryFromContext(ctx)
		if err := journal.write(begun, n, d.Times); err != nil {
			return 0, err
		}
		select {
		case <-time.After(c.Least + time.Duration(rand.Int64N(int64(c.Most-c.Least)+1))):
			return n, journal.write(done, n, d.Times)
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// fill is the role of a submitter.
func fill(ctx context.Context, text string) error {
	var c child
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	journal, err := openJournal(c.Journal)
	if err != nil {
		return err
	}
	store, err := jetstream.Open(ctx, jetstream.WithDirectory(c.Directory))
	if err != nil {
		return err
	}
	queue, err := jetstream.NewQueue[int](ctx, store, "numbers")
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, readyLine)
	for n := c.Submit[0]; n < c.Submit[1]; n++ {
		if _, err := queue.Submit(ctx, n); err != nil {
			return err
		}
		if err := journal.write(stored, n, 0); err != nil {
			return err
		}
	}
	<-ctx.Done() // to be killed
	return nil
}
