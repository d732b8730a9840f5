package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const host = "127.0.0.1"

func address(port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// A Cluster is a number of servers with JetStream. Its methods must not be called by
// several goroutines at once.
type Cluster struct {
	directory string
	specs     []spec
	processes []*Process // nil: it has been killed
}

// Start starts a cluster of so many servers, 1 or 3, say, which keep what they store in
// the directory, and waits until it can be used. ctx bounds the time that this takes.
func Start(ctx context.Context, directory string, servers int) (*Cluster, error) {
	if servers < 1 {
		return nil, fmt.Errorf("a cluster of %d servers", servers)
	}
	const tries = 5 // somebody else may take a port that was free
	for try := 1; ; try++ {
		c := &Cluster{directory: filepath.Join(directory, strconv.Itoa(try)), processes: make([]*Process, servers)}
		err := c.start(ctx, servers)
		if err == nil {
			return c, nil
		}
		_ = c.Close()
		if try == tries || ctx.Err() != nil {
			return nil, err
		}
	}
}

func (c *Cluster) start(ctx context.Context, servers int) error {
	ports, err := freePorts(2 * servers)
	if err != nil {
		return err
	}
	for i := range servers {
		name := "server-" + strconv.Itoa(i+1)
		s := spec{Name: name, Directory: filepath.Join(c.directory, name), Port: ports[i], Own: i}
		if servers > 1 {
			s.Routes = ports[servers:]
		}
		c.specs = append(c.specs, s)
	}
	begun := make([]<-chan struct{}, servers)
	for i := range servers { // all before the first is waited for: one alone has no leader
		if begun[i], err = c.spawn(i); err != nil {
			return err
		}
	}
	for i := range servers {
		if err := c.await(ctx, i, begun[i]); err != nil {
			return err
		}
	}
	return c.probe(ctx)
}

// spawn starts a server. The channel is closed when that is ready.
func (c *Cluster) spawn(i int) (<-chan struct{}, error) {
	text, err := json.Marshal(c.specs[i])
	if err != nil {
		return nil, err
	}
	begun := make(chan struct{})
	c.processes[i], err = Spawn(serverRole, string(text), func(line string) {
		if line == ready {
			close(begun)
		}
	})
	return begun, err
}

// await waits until a server is ready.
func (c *Cluster) await(ctx context.Context, i int, begun <-chan struct{}) error {
	p := c.processes[i]
	select {
	case <-begun:
		return nil
	case <-p.Done():
		return fmt.Errorf("%s: %w\n%s", c.specs[i].Name, errors.Join(errors.New("it has ended"), p.Err()), p.Stderr())
	case <-ctx.Done():
		return fmt.Errorf("%s is not ready: %w\n%s", c.specs[i].Name, context.Cause(ctx), p.Stderr())
	}
}

// probe waits until the servers can store something on all of them.
func (c *Cluster) probe(ctx context.Context) error {
	conn, err := nats.Connect(c.URLs()[0])
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	const name = "troupe_local_probe"
	for {
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		_, err = js.CreateStream(try, jetstream.StreamConfig{Name: name, Replicas: len(c.specs), Storage: jetstream.MemoryStorage})
		if err == nil {
			err = js.DeleteStream(try, name)
		}
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("the cluster is not ready: %w: %w", context.Cause(ctx), err)
		}
	}
}

// URLs are where the servers are reached, for jetstream.WithURL.
func (c *Cluster) URLs() []string {
	urls := make([]string, len(c.specs))
	for i, s := range c.specs {
		urls[i] = "nats://" + address(s.Port)
	}
	return urls
}

// Names are the servers' names, as in messages.DurableServer.
func (c *Cluster) Names() []string {
	names := make([]string, len(c.specs))
	for i, s := range c.specs {
		names[i] = s.Name
	}
	return names
}

// Kill ends a server as kill -9 does, by its index, and returns when it is gone.
func (c *Cluster) Kill(i int) error {
	p := c.processes[i]
	if p == nil {
		return nil
	}
	c.processes[i] = nil
	return p.Kill()
}

// Restart starts a server that has been killed, at the same address and with what it
// has stored, and waits until it has caught up with the others.
func (c *Cluster) Restart(ctx context.Context, i int) error {
	if c.processes[i] != nil {
		return fmt.Errorf("%s is running", c.specs[i].Name)
	}
	for {
		begun, err := c.spawn(i)
		if err != nil {
			return err
		}
		if err = c.await(ctx, i, begun); err == nil {
			return nil
		}
		_ = c.Kill(i)
		if ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(pause): // somebody else may have the port for a while
		case <-ctx.Done():
			return err
		}
	}
}

// Stderr is the end of what a server that runs has logged.
func (c *Cluster) Stderr(i int) string {
	if p := c.processes[i]; p != nil {
		return p.Stderr()
	}
	return ""
}

// Close kills all servers. What they have stored stays.
func (c *Cluster) Close() error {
	var errs []error
	for i := range c.processes {
		errs = append(errs, c.Kill(i))
	}
	return errors.Join(errs...)
}

// freePorts are ports that nobody has. They lie below those that systems give to
// connections, so that none of these has the port of a server that is to come back.
func freePorts(n int) ([]int, error) {
	const lowest, highest, tries = 10_000, 32_000, 1000
	var ports []int
	for range tries {
		listener, err := net.Listen("tcp", address(lowest+rand.IntN(highest-lowest))) //nolint:noctx // it does not wait
		if err != nil {
			continue
		}
		defer func() { _ = listener.Close() }() //nolint:gocritic,revive // no port is to be found twice
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
		if len(ports) == n {
			return ports, nil
		}
	}
	return nil, errors.New("no ports are free")
}
