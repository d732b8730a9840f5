package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/propagation"
)

// defaultPatience is the default of WithPatience.
const defaultPatience = 5 * time.Second

// maxPending bounds what a batch has on its way to the server. The client's own bound is
// for all batches together, and no context ends the wait for it.
const (
	maxPending = 1024
	unbounded  = 1 << 30
)

// A Store is where queues are kept: a directory of this machine or servers elsewhere.
// All its methods may be called by any number of goroutines.
type Store struct {
	cfg    config
	server *embedded // nil: elsewhere
	conn   *nats.Conn
	js     js.JetStream

	mu      sync.Mutex
	feeders map[*Feeder]struct{} // guarded by mu; those that have not stopped
	closing bool                 // guarded by mu
}

// Open opens a store: WithDirectory or WithURL says where. ctx bounds the time that
// this takes, beside the store's patience.
func Open(ctx context.Context, opts ...Option) (*Store, error) {
	cfg := config{patience: defaultPatience}
	for _, o := range opts {
		if o == nil {
			return nil, invalidOption("option is nil")
		}
		if err := o.apply(&cfg); err != nil {
			return nil, err
		}
	}
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, feeders: make(map[*Feeder]struct{})}
	if err := s.open(ctx); err != nil {
		_ = s.shut()
		return nil, err
	}
	return s, nil
}

// complete checks the options against each other and sets defaults.
func (c *config) complete() error {
	switch {
	case c.directory == "" && len(c.urls) == 0:
		return invalidOption("neither WithDirectory nor WithURL")
	case c.directory != "" && len(c.urls) > 0:
		return invalidOption("both WithDirectory and WithURL")
	case len(c.urls) > 0 && (c.listen != "" || len(c.server) > 0):
		return invalidOption("WithListen and WithServer are for WithDirectory: the servers of WithURL are run elsewhere")
	case len(c.urls) > 0 && c.durability != Process:
		return invalidOption("durability %v is the servers' to say, by sync_always", c.durability)
	case c.directory != "" && c.replicas > 1:
		return invalidOption("%d replicas in one directory", c.replicas)
	}
	if c.logger == nil {
		c.logger = slog.Default()
	}
	if c.propagator == nil {
		c.propagator = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	}
	if c.node == "" {
		host, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("name this node: %w", err)
		}
		c.node = host + ":" + strconv.Itoa(os.Getpid())
	}
	return nil
}

func (s *Store) open(ctx context.Context) error {
	var servers string // the one in this process needs no address
	var err error
	if s.cfg.directory != "" {
		if s.server, err = startServer(ctx, &s.cfg); err != nil {
			return err
		}
	} else {
		servers = strings.Join(s.cfg.urls, ",")
	}
	if s.conn, err = nats.Connect(servers, s.clientOptions()...); err != nil {
		return s.explainConnect(err)
	}
	if s.js, err = js.New(s.conn, js.WithPublishAsyncMaxPending(unbounded)); err != nil {
		return err
	}
	// A cluster that has just been started answers when it has elected its leaders.
	err = s.patiently(ctx, func(ctx context.Context) error {
		_, err := s.js.AccountInfo(ctx)
		return err
	})
	if errors.Is(err, js.ErrJetStreamNotEnabled) || errors.Is(err, js.ErrJetStreamNotEnabledForAccount) {
		return fmt.Errorf("the server has no JetStream: %w", err)
	}
	return err
}

func (s *Store) clientOptions() []nats.Option {
	logger := s.cfg.logger
	options := []nats.Option{
		nats.Name(s.cfg.node),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // credentials may be changed on the servers first
		nats.ReconnectWait(200 * time.Millisecond),
		nats.PingInterval(10 * time.Second), // a dead server is noticed after two
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				logger.Warn("disconnected from the store", "err", err)
			}
		}),
		nats.ReconnectHandler(func(conn *nats.Conn) {
			logger.Warn("connected to the store again", "server", conn.ConnectedServerName())
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			logger.Warn("store", "err", err)
		}),
	}
	if s.server != nil {
		options = append(options, nats.InProcessServer(s.server.server))
	}
	return append(options, s.cfg.client...)
}

// explainConnect says where the store is not to be had, without the passwords.
func (s *Store) explainConnect(err error) error {
	var where []string
	for _, text := range s.cfg.urls {
		if u, parseErr := url.Parse(text); parseErr == nil {
			text = u.Redacted()
		}
		where = append(where, text)
	}
	err = fmt.Errorf("connect to %s: %w", strings.Join(where, ", "), err)
	if errors.Is(err, nats.ErrNoServers) || isSilence(err) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// patiently calls do until it answers, however it does, or the store's patience or
// ctx is at an end. What do asks for must be the same if it is done twice.
func (s *Store) patiently(ctx context.Context, do func(ctx context.Context) error) error {
	end := time.Now().Add(s.cfg.patience)
	for {
		err := func() error {
			attempt, cancel := context.WithDeadline(ctx, earlier(end, time.Now().Add(attemptPatience)))
			defer cancel()
			return explain(do(attempt))
		}()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case !errors.Is(err, ErrUnavailable), s.conn.IsClosed(), time.Until(end) <= retryPause:
			return err
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
		}
	}
}

const (
	attemptPatience = 2 * time.Second        // for one answer
	retryPause      = 100 * time.Millisecond // between two attempts
)

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// URL is where other processes reach the store: that of WithListen, or of the server
// that this process is connected to. It is empty if nobody else can.
func (s *Store) URL() string {
	if s.server == nil {
		return s.conn.ConnectedUrlRedacted()
	}
	return s.server.url()
}

// Node is the name of this process.
func (s *Store) Node() string { return s.cfg.node }

// Close stops what feeds pools from the store, as [Feeder.Stop] does with this ctx,
// and closes the store. It may be called more than once.
func (s *Store) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	feeders := slices.Collect(maps.Keys(s.feeders)) // also if another Close is about to stop them
	s.mu.Unlock()
	errs := make([]error, len(feeders)+1)
	var stops sync.WaitGroup
	for i, f := range feeders { // all at once: they have ctx in common
		stops.Go(func() { _, errs[i] = f.Stop(ctx) })
	}
	stops.Wait()
	if s.conn != nil && s.conn.IsConnected() {
		_ = s.conn.FlushTimeout(time.Second) // the last acknowledgements; the server may be gone
	}
	errs[len(feeders)] = s.shut()
	return errors.Join(errs...)
}

// shut closes what is open.
func (s *Store) shut() error {
	if s.conn != nil {
		s.conn.Close()
	}
	if s.server != nil {
		return s.server.stop()
	}
	return nil
}

// enlist has the feeder run, and stopped with the store. It reports whether that is open.
func (s *Store) enlist(f *Feeder) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.feeders[f] = struct{}{}
	f.run() // before it can be stopped
	return true
}

func (s *Store) delist(f *Feeder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.feeders, f)
}
