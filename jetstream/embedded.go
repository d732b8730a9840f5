package jetstream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/troupe-go/troupe/guard"
)

// embedded is a server in this process, and its directory.
type embedded struct {
	server    *server.Server // nil: none was started
	lock      *flock.Flock
	directory string
	listens   bool
	verified  bool // the server has what was stored
	once      sync.Once
	err       error // of the stop
}

// startServer starts a server on a directory that nobody else has.
func startServer(ctx context.Context, cfg *config) (*embedded, error) {
	if err := os.MkdirAll(cfg.directory, 0o750); err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	lock := flock.New(filepath.Join(cfg.directory, "lock"))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the store: %w", err)
	}
	if !locked {
		return nil, fmt.Errorf("%w: %s", ErrStoreInUse, cfg.directory)
	}
	e := &embedded{lock: lock, directory: cfg.directory, listens: cfg.listen != ""}
	if err := e.start(ctx, cfg); err != nil {
		_ = e.stop()
		return nil, err
	}
	return e, nil
}

func (e *embedded) start(ctx context.Context, cfg *config) error {
	options, err := serverOptions(cfg)
	if err != nil {
		return err
	}
	if !cfg.damaged {
		if err := checkManifest(cfg.directory); err != nil {
			return err
		}
	}
	stored, err := storedStreams(options.StoreDir)
	if err != nil {
		return err
	}
	if err := removeManifest(cfg.directory); err != nil {
		return err
	}
	if e.server, err = server.NewServer(options); err != nil {
		return fmt.Errorf("%w: server: %w", invalidOption("server"), err)
	}
	log := &serverLog{logger: cfg.logger}
	e.server.SetLoggerV2(log, false, false, false)
	e.server.Start()
	if err := log.fatal(); err != nil {
		return fmt.Errorf("start the store's server: %w", err)
	}
	if !e.server.ReadyForConnections(cfg.patience) {
		return fmt.Errorf("%w: the server in this process is not ready", ErrUnavailable)
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if cfg.damaged {
		stored = nil
	}
	if err := e.verify(stored, log); err != nil {
		return err
	}
	e.verified = true
	return nil
}

func serverOptions(cfg *config) (*server.Options, error) {
	options := &server.Options{
		ServerName: cfg.node,
		NoSigs:     true, // else an interrupt would end the program
		DontListen: true,
		JetStream:  true,
		StoreDir:   cfg.directory,
		SyncAlways: cfg.durability == Power,
	}
	if cfg.listen != "" {
		host, port, err := net.SplitHostPort(cfg.listen)
		if err != nil {
			return nil, invalidOption("listen address %q: %v", cfg.listen, err)
		}
		if host == "" {
			host = "127.0.0.1"
		}
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return nil, invalidOption("listen address %q: port %q", cfg.listen, port)
		}
		options.DontListen, options.Host, options.Port = false, host, int(number)
		if number == 0 {
			options.Port = server.RANDOM_PORT
		}
	}
	for _, change := range cfg.server {
		if err := changed(change, options); err != nil {
			return nil, err
		}
	}
	if options.StoreDir != cfg.directory { // it is locked, and what is in it is checked
		return nil, invalidOption("WithServer: StoreDir %q is for WithDirectory to say", options.StoreDir)
	}
	return options, nil
}

func changed(change func(*server.Options), options *server.Options) error {
	return failureOf("server option", guard.Call(func() { change(options) }))
}

// storedStreams are the names of the streams that the directory has.
func storedStreams(directory string) ([]string, error) {
	root := os.DirFS(directory) // its own name is no pattern
	streams, err := fs.Glob(root, "jetstream/*/streams/*")
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(streams))
	for _, stream := range streams {
		if !halfMade(root, stream) {
			names = append(names, path.Base(stream))
		}
	}
	return names, nil
}

// halfMade reports whether the process that made a stream died over it: then nothing
// has been stored in it. It is made again when it is wanted.
func halfMade(root fs.FS, stream string) bool {
	hasContent := func(name string) bool {
		info, err := fs.Stat(root, name)
		return err == nil && info.Size() > 0
	}
	described := hasContent(path.Join(stream, server.JetStreamMetaFile)) &&
		hasContent(path.Join(stream, server.JetStreamMetaFileSum))
	blocks, err := fs.Glob(root, path.Join(stream, "msgs", "*.blk"))
	return !described && err == nil && !slices.ContainsFunc(blocks, hasContent)
}

// verify returns an error if the server could not read what had been stored: it only
// warns of that itself, and goes on without.
func (e *embedded) verify(stored []string, log *serverLog) error {
	info, err := e.server.Jsz(&server.JSzOptions{Accounts: true, Streams: true})
	if err != nil || info.Disabled {
		return fmt.Errorf("start the store's server: no JetStream: %w", errors.Join(err, log.first()))
	}
	read := make(map[string]bool)
	for _, account := range info.AccountDetails {
		for _, stream := range account.Streams {
			read[stream.Name] = true
			if lost := stream.State.Lost; lost != nil && len(lost.Msgs) > 0 {
				return fmt.Errorf("%w: stream %s: %d messages, the first of them %d",
					ErrStoreCorrupt, stream.Name, len(lost.Msgs), lost.Msgs[0])
			}
		}
	}
	for _, name := range stored {
		if !read[name] {
			return errors.Join(fmt.Errorf("%w: stream %s", ErrStoreCorrupt, name), log.first())
		}
	}
	return nil
}

func (e *embedded) url() string {
	if !e.listens {
		return ""
	}
	return e.server.ClientURL()
}

// stop ends the server and gives the directory free. It may be called more than once.
func (e *embedded) stop() error {
	e.once.Do(func() {
		if e.server != nil {
			e.server.Shutdown()
			e.server.WaitForShutdown()
			if e.verified { // else the next one must find out, too
				e.err = writeManifest(e.directory)
			}
		}
		e.err = errors.Join(e.err, e.lock.Close())
	})
	return e.err
}
