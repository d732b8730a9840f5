//go:build unix

package jetstream_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/jetstream"
	"github.com/troupe-go/troupe/jetstream/local"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/troupetest"
)

// cluster starts servers, until the end of the test.
func cluster(t *testing.T, servers int) *local.Cluster {
	t.Helper()
	troupetest.TimeLimit(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := local.Start(ctx, t.TempDir(), servers)
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			for i, name := range c.Names() {
				t.Logf("%s:\n%s", name, c.Stderr(i))
			}
		}
		require.NoError(t, c.Close())
	})
	return c
}

// connect opens the store that the servers keep, until the end of the test.
func connect(t *testing.T, c *local.Cluster, opts ...jetstream.Option) *jetstream.Store {
	t.Helper()
	opts = append([]jetstream.Option{jetstream.WithURL(c.URLs()...), jetstream.WithLogger(quiet())}, opts...)
	store, err := jetstream.Open(t.Context(), opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close(context.Background())) })
	return store
}

// A family is the children of a test. Each has a name and a journal of its own.
type family struct {
	t         *testing.T
	directory string
	members   []*member
}

type member struct {
	*local.Process
	child child
	ready chan struct{}
	stats chan messages.DurableNode // of a worker that is stopped

	read int64   // how much of the journal
	seen []entry // in it
}

func newFamily(t *testing.T) *family { return &family{t: t, directory: t.TempDir()} }

// spawn starts a child and does not wait for it. It is killed at the end of the test.
func (f *family) spawn(role string, c child) *member {
	f.t.Helper()
	c.Name = role + "-" + strconv.Itoa(len(f.members)+1)
	c.Journal = filepath.Join(f.directory, c.Name)
	require.NoError(f.t, os.WriteFile(c.Journal, nil, 0o600))
	text, err := json.Marshal(c)
	require.NoError(f.t, err)
	m := &member{child: c, ready: make(chan struct{}), stats: make(chan messages.DurableNode, 1)}
	m.Process, err = local.Spawn(role, string(text), func(line string) {
		if line == readyLine {
			close(m.ready)
			return
		}
		var stats messages.DurableNode
		if json.Unmarshal([]byte(line), &stats) == nil {
			m.stats <- stats
		}
	})
	require.NoError(f.t, err)
	f.members = append(f.members, m)
	f.t.Cleanup(func() {
		assert.NoError(f.t, m.Kill())
		if f.t.Failed() {
			f.t.Logf("%s: %v\n%s", c.Name, m.Err(), m.Stderr())
		}
	})
	return m
}

// start starts a child and waits until it has begun.
func (f *family) start(role string, c child) *member {
	f.t.Helper()
	m := f.spawn(role, c)
	select {
	case <-m.ready:
	case <-m.Done():
		require.FailNow(f.t, "it has ended", "%s: %v", m.child.Name, m.Err())
	case <-time.After(patience):
		require.FailNow(f.t, "it does not begin", m.child.Name)
	}
	return m
}

// stop ends a worker by SIGTERM, and returns what it has counted.
func (f *family) stop(m *member) messages.DurableNode {
	f.t.Helper()
	require.NoError(f.t, m.Signal(syscall.SIGTERM))
	select {
	case <-m.Done():
	case <-time.After(patience):
		require.FailNow(f.t, "it does not stop", m.child.Name)
	}
	require.NoError(f.t, m.Err(), m.child.Name)
	return <-m.stats
}

// journal is what a child has written up to now.
func (f *family) journal(m *member) []entry {
	f.t.Helper()
	file, err := os.Open(m.child.Journal)
	require.NoError(f.t, err)
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.NewSectionReader(file, m.read, 1<<40))
	require.NoError(f.t, err)
	for {
		line, rest, found := bytes.Cut(data, []byte("\n"))
		if !found {
			return m.seen
		}
		e := entry{by: m.child.Name}
		require.NoError(f.t, json.Unmarshal(line, &e))
		m.seen = append(m.seen, e)
		m.read += int64(len(line)) + 1
		data = rest
	}
}

// entries are those of all children, of one kind.
func (f *family) entries(event string) []entry {
	f.t.Helper()
	var all []entry
	for _, m := range f.members {
		all = append(all, only(f.journal(m), event)...)
	}
	return all
}

func only(entries []entry, event string) []entry {
	var those []entry
	for _, e := range entries {
		if e.Event == event {
			those = append(those, e)
		}
	}
	return those
}

// tasks are those that entries are of.
func tasks(entries []entry) map[int]int {
	times := make(map[int]int)
	for _, e := range entries {
		times[e.Task]++
	}
	return times
}

// until waits until something is so.
func until(t *testing.T, so func() bool, what string) {
	t.Helper()
	for end := time.Now().Add(2 * patience); !so(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			require.FailNow(t, "never: "+what)
		}
	}
}

// drained waits until the queue has no task, as long as there are fewer every now and
// then.
func drained(t *testing.T, q *jetstream.Queue[int]) messages.DurableStats {
	t.Helper()
	least, since := int64(1<<62), time.Now()
	for {
		stats, err := q.Inspect(t.Context())
		if err == nil {
			left := stats.Ready + stats.InHand + stats.Delayed
			if left == 0 {
				return stats
			}
			if left < least {
				least, since = left, time.Now()
			}
		}
		require.Less(t, time.Since(since), patience, "%+v, %v", stats, err)
		time.Sleep(10 * time.Millisecond)
	}
}

// forgotten waits until no record is left of a task: a record is deleted after its task.
func forgotten(t *testing.T, q *jetstream.Queue[int]) {
	t.Helper()
	until(t, func() bool {
		stats, err := q.Inspect(t.Context())
		return err == nil && stats.Retrying == 0
	}, "no record stays of a task that has its outcome")
}

// submitAll submits the tasks from one number up to another.
func submitAll(t *testing.T, q *jetstream.Queue[int], from, to int) {
	t.Helper()
	const most = 200
	for ; from < to; from += most {
		var items []jetstream.Item[int]
		for n := from; n < min(from+most, to); n++ {
			items = append(items, jetstream.Item[int]{In: n, Options: []jetstream.SubmitOption{jetstream.ID(strconv.Itoa(n))}})
		}
		_, err := q.SubmitBatch(t.Context(), items...)
		require.NoError(t, err)
	}
}
