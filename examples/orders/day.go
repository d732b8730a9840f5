package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// lastOrders is how long the orders in hand may take when the shop closes, and any step.
const lastOrders = 10 * time.Second

// A day is one run of the program.
type day struct {
	orders int
	pace   time.Duration // between two orders
}

// run opens the shop, serves the customers and closes. The end of ctx closes the shop early.
// The error says what does not add up.
func (d *day) run(ctx context.Context, stdout io.Writer) (err error) {
	if d.orders < 1 || d.pace <= 0 {
		return fmt.Errorf("%d orders at a pace of %v: want at least 1, and a positive duration", d.orders, d.pace)
	}
	services := newServices()
	url, stop, err := serve(ctx, services.routes())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	shop, err := openShop(url)
	if err != nil {
		return err
	}
	defer shop.close()

	fmt.Fprintf(stdout, "The shop is open. %d customers come, one every %v. Ctrl-C closes early.\n", d.orders, d.pace)
	var customers sync.WaitGroup
	sales := make(chan sale, d.orders)
	placed := d.admit(ctx, &customers, func(customer context.Context, o order) { sales <- shop.sell(customer, o) })

	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastOrders)
	defer cancel()
	report, err := shop.orders.Finish(limit) // drops the orders in the queue
	if err != nil {
		return fmt.Errorf("orders in hand at closing time: %w", err)
	}
	customers.Wait()
	close(sales)
	if _, err := shop.steps.Shutdown(limit); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "The shop is closed. %d orders in hand were finished, %d in the queue were dropped.\n\n",
		report.Finished, report.Dropped)
	l := newLedger(placed, sales)
	l.print(stdout)
	fmt.Fprintln(stdout)
	shop.meter.print(stdout)
	fmt.Fprintln(stdout)
	stats := shop.orders.Stats()
	return l.check(stdout, &stats, services.books())
}

// admit starts a goroutine for each customer until all have come or ctx ends, and returns how
// many have come.
func (d *day) admit(ctx context.Context, customers *sync.WaitGroup, sell func(context.Context, order)) (placed int) {
	next := time.NewTicker(d.pace)
	defer next.Stop()
	for placed < d.orders && ctx.Err() == nil {
		o := newOrder(placed)
		customers.Go(func() {
			customer, leave := context.WithCancel(context.WithoutCancel(ctx))
			defer leave()
			if patience := o.patience(); patience > 0 {
				defer time.AfterFunc(patience, leave).Stop()
			}
			sell(customer, o)
		})
		placed++
		select {
		case <-next.C:
		case <-ctx.Done():
		}
	}
	return placed
}

// serve serves on a free port of this machine until stop is called.
func serve(ctx context.Context, handler http.Handler) (url string, stop func() error, err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	return "http://" + listener.Addr().String(), func() error {
		err := server.Close()
		if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
		return err
	}, nil
}
