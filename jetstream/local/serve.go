package local

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A spec is what a server is told.
type spec struct {
	Name      string
	Directory string
	Port      int
	Routes    []int // the ports by which the servers reach each other; none: it is alone
	Own       int   // which of them is its own
}

// ready is what a server writes when it is.
const ready = "ready"

// pause is how long a server that is not ready is left alone.
const pause = 10 * time.Millisecond

// serve is the role of a server.
func serve(ctx context.Context, text string) error {
	var s spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	srv, err := server.NewServer(s.options())
	if err != nil {
		return err
	}
	srv.ConfigureLogger() // to standard error; it exits if a port is taken
	srv.Start()
	for ctx.Err() == nil && srv.Healthz(nil).StatusCode != http.StatusOK {
		time.Sleep(pause)
	}
	if ctx.Err() == nil {
		fmt.Fprintln(os.Stdout, ready)
	}
	<-ctx.Done()
	srv.Shutdown()
	srv.WaitForShutdown()
	return nil
}

func (s *spec) options() *server.Options {
	options := &server.Options{
		ServerName: s.Name,
		Host:       host,
		Port:       s.Port,
		NoSigs:     true, // they are the role's
		Logtime:    true,
		JetStream:  true,
		StoreDir:   s.Directory,
	}
	if len(s.Routes) == 0 {
		return options
	}
	options.Cluster = server.ClusterOpts{Name: "troupe-local", Host: host, Port: s.Routes[s.Own], PoolSize: -1}
	for i, port := range s.Routes {
		if i != s.Own {
			options.Routes = append(options.Routes, &url.URL{Scheme: "nats", Host: address(port)})
		}
	}
	return options
}
