package jetstream

import (
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/propagation"
)

// Durability is what a task that has been submitted outlives.
type Durability int

const (
	// Process is safe against a killed process: a task is with the operating system
	// once Submit has returned. What a loss of power takes is what the system had not
	// written yet, at most two minutes' worth.
	Process Durability = iota
	// Power is safe against the loss of power, too: a task is on the disk once Submit
	// has returned, which costs one fsync for each.
	Power
)

func (d Durability) String() string {
	switch d {
	case Process:
		return "Process"
	case Power:
		return "Power"
	}
	return "unknown"
}

// config is what the options of Open say.
type config struct {
	directory  string
	durability Durability
	damaged    bool
	listen     string
	urls       []string
	replicas   int
	node       string
	logger     *slog.Logger
	patience   time.Duration
	client     []nats.Option
	server     []func(*server.Options)
	propagator propagation.TextMapPropagator
}

// Option configures a [Store].
type Option interface{ apply(c *config) error }

type option func(*config) error

func (o option) apply(c *config) error { return o(c) }

// WithDirectory keeps the store in a directory of this machine, by a server in this
// process that listens nowhere. The directory is made if need be. One process at a
// time may have it.
func WithDirectory(directory string) Option {
	return option(func(c *config) error {
		if directory == "" {
			return invalidOption("directory is empty")
		}
		c.directory = directory
		return nil
	})
}

// WithDurability says what tasks outlive in a directory. The default is [Process]. It
// is not for WithURL: there it is the servers' to say.
func WithDurability(durability Durability) Option {
	return option(func(c *config) error {
		if durability != Process && durability != Power {
			return invalidOption("durability %d", durability)
		}
		c.durability = durability
		return nil
	})
}

// WithDamage opens a directory that is [ErrStoreCorrupt], with what can be read of it.
// The server deletes the rest: keep a copy.
func WithDamage() Option {
	return option(func(c *config) error {
		c.damaged = true
		return nil
	})
}

// WithListen lets other processes in: the server in this process, of WithDirectory,
// listens at the address, "host:port". Without a host that is the loopback interface
// alone; port 0 is any that is free, see [Store.URL]. Whoever can reach the address
// can do anything, unless WithServer asks for credentials.
func WithListen(address string) Option {
	return option(func(c *config) error {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return invalidOption("listen address %q: %v", address, err)
		}
		c.listen = address
		return nil
	})
}

// WithURL keeps the store on servers elsewhere, "nats://host:port" or, encrypted,
// "tls://host:port". Those of one cluster may all be named; one that answers is
// enough.
func WithURL(urls ...string) Option {
	return option(func(c *config) error {
		if slices.Contains(urls, "") {
			return invalidOption("URL is empty")
		}
		if len(urls) == 0 {
			return invalidOption("no URL")
		}
		c.urls = urls
		return nil
	})
}

// WithClient sets options of the connection: credentials (nats.UserCredentials,
// nats.UserInfo), TLS (nats.RootCAs, nats.ClientCert), and more.
func WithClient(options ...nats.Option) Option {
	return option(func(c *config) error {
		for _, o := range options {
			if o == nil {
				return invalidOption("client option is nil")
			}
		}
		c.client = append(c.client, options...)
		return nil
	})
}

// WithServer changes options of the server in this process, before it starts: limits,
// users, TLS.
func WithServer(change func(*server.Options)) Option {
	return option(func(c *config) error {
		if change == nil {
			return invalidOption("server option is nil")
		}
		c.server = append(c.server, change)
		return nil
	})
}

// Replicas is how many servers of the cluster store each task of a queue, 1 to 5:
// of those that are made with this store, and of others see [Reconfigure]. The default
// is 1. With 3, any one may be lost.
func Replicas(n int) Option {
	return option(func(c *config) error {
		if n < 1 || n > 5 {
			return invalidOption("%d replicas are not from 1 to 5", n)
		}
		c.replicas = n
		return nil
	})
}

// WithNode names this process in statistics and dead letters. The default is the
// host's name and the process's number.
func WithNode(name string) Option {
	return option(func(c *config) error {
		if name == "" {
			return invalidOption("node name is empty")
		}
		c.node = name
		return nil
	})
}

// WithLogger sets the logger, to which nothing goes below the level Warn. The default
// is slog.Default().
func WithLogger(logger *slog.Logger) Option {
	return option(func(c *config) error {
		if logger == nil {
			return invalidOption("logger is nil")
		}
		c.logger = logger
		return nil
	})
}

// WithPatience is how long a call goes on trying while the servers do not answer or
// elect a leader, before it fails with [ErrUnavailable], unless its context ends
// sooner. The default is 5 s; a cluster that has lost a leader takes up to 9 s to elect
// another one.
func WithPatience(patience time.Duration) Option {
	return option(func(c *config) error {
		if patience <= 0 {
			return invalidOption("patience %v", patience)
		}
		c.patience = patience
		return nil
	})
}

// WithPropagator says how the trace of whoever submits a task travels in its headers
// to the handler. The default is W3C's trace context and baggage.
func WithPropagator(propagator propagation.TextMapPropagator) Option {
	return option(func(c *config) error {
		if propagator == nil {
			return invalidOption("propagator is nil")
		}
		c.propagator = propagator
		return nil
	})
}
