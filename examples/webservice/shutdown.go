package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/troupe-go/troupe/actors"
)

// lastResponses is how long the server may take to answer the requests of canceled tasks.
const lastResponses = 5 * time.Second

// shutdown ends the server and then the pool, and returns an error if that takes longer
// than grace.
//
// The server goes first: it refuses new requests and waits for the running ones, which
// still need the pool. The pool then has nothing left to do, unless the time is up: then it
// cancels its tasks and drops what is queued. The requests of those tasks are answered with
// 503, for which the server gets lastResponses, before it closes all connections.
func shutdown(ctx context.Context, grace time.Duration, server *http.Server, pool *actors.Pool[job, picture], logger *slog.Logger) error {
	limit, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	serverErr := server.Shutdown(limit)
	report, poolErr := pool.Shutdown(limit)
	logger.Info("the pool has stopped", "finished", report.Finished,
		"canceled", report.Canceled, "dropped", report.Dropped, "abandoned", report.Abandoned)

	if serverErr != nil {
		last, cancel := context.WithTimeout(ctx, lastResponses)
		defer cancel()
		_ = server.Shutdown(last)
		_ = server.Close()
		return fmt.Errorf("requests still ran after %s: %w", grace, serverErr)
	}
	return poolErr
}
