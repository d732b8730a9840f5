package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// The errors that no further attempt would change.
var (
	errOutOfStock = errors.New("out of stock")
	errDeclined   = errors.New("card declined")
	errUndone     = errors.New("order undone")
)

// A step is a task of the second pool: one request to a service.
type step struct {
	name  string // reserve, charge, ship or undo
	order order
}

// client calls the services.
type client struct {
	http http.Client
	url  string
}

// do is the handler of the pool of steps.
func (c *client) do(ctx context.Context, s step) (struct{}, error) {
	values := url.Values{
		"item": {s.order.item}, "card": {s.order.card}, "price": {strconv.Itoa(s.order.price)},
	}
	target := fmt.Sprintf("%s/%s/%d?%s", c.url, s.name, s.order.number, values.Encode())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, http.NoBody)
	if err != nil {
		return struct{}{}, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, errors.Join(meaning(s.name, response), response.Body.Close())
}

// meaning returns the error for a response. The pool retries all errors but those that name
// their outcome.
func meaning(name string, response *http.Response) error {
	switch response.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusConflict:
		return actors.WithOutcome(messages.Failed, errOutOfStock)
	case http.StatusPaymentRequired:
		return actors.WithOutcome(messages.Failed, errDeclined)
	case http.StatusGone:
		return actors.WithOutcome(messages.Canceled, errUndone)
	}
	return fmt.Errorf("%s: %s", name, response.Status)
}
