package main

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/dashboard"
)

// serveDashboard shows the system's pools at the address until stop is called. It returns
// where they are found.
func serveDashboard(ctx context.Context, system *actor.ActorSystem, addr string) (url string, stop func(), err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return "", nil, err
	}
	view := dashboard.New(system, dashboard.WithPayload(func(payload any) string { return payload.(file).name }))
	server := &http.Server{Handler: view, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // until it is closed
	}()
	return "http://" + listener.Addr().String() + "/", func() {
		view.Close()
		_ = server.Close() // of what browsers still have open
		<-served
	}, nil
}
