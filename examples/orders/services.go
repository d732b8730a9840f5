package main

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// latency is how long a service takes to answer.
const latency = 8 * time.Millisecond

// services are the servers that the shop depends on. A request names a step and an order:
//
//	POST /reserve/7?item=lamp
//	POST /charge/7?price=2990&card=good
//	POST /ship/7
//	POST /undo/7
//
// Steps are idempotent. After /undo an order is as if nothing had happened, and its further
// steps are refused: a request may be on its way although the shop has canceled it.
type services struct {
	mu       sync.Mutex
	stock    map[string]int   // pieces of each item; guarded by mu
	accounts map[int]*account // by the numbers of the orders; guarded by mu
}

// An account is what the services know of an order.
type account struct {
	reserved string // the item
	paid     int    // cents
	shipped  bool
	undone   bool
	requests map[string]int // by step
}

func newServices() *services {
	s := &services{stock: make(map[string]int), accounts: make(map[int]*account)}
	for _, article := range catalog {
		s.stock[article.item] = article.stock
	}
	return s
}

func (s *services) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{step}/{order}", s.serve)
	return mux
}

func (s *services) serve(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.Atoi(r.PathValue("order"))
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	pause := time.After(latency)
	if r.PathValue("step") == "charge" && r.FormValue("card") == slowCard {
		pause = nil
	}
	select {
	case <-pause:
	case <-r.Context().Done():
		return
	}
	w.WriteHeader(s.step(r.PathValue("step"), number, r))
}

// step does a step of an order and returns the status code.
func (s *services) step(name string, number int, r *http.Request) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accountLocked(number)
	a.requests[name]++
	switch {
	case name == "undo":
		s.undoLocked(a)
	case a.undone:
		return http.StatusGone
	case down(name, number, a.requests[name]):
		return http.StatusServiceUnavailable
	case name == "reserve":
		return s.reserveLocked(a, r.FormValue("item"))
	case name == "charge":
		return s.chargeLocked(a, r.FormValue("card"), r.FormValue("price"))
	case name == "ship":
		a.shipped = true
	default:
		return http.StatusNotFound
	}
	return http.StatusOK
}

// down reports whether a service has a fault: some requests have to be made twice, and some
// parcels cannot be sent today.
func down(name string, number, requests int) bool {
	switch name {
	case "reserve":
		return number%4 == 3 && requests == 1
	case "charge":
		return number%10 == 4 && requests <= 2
	case "ship":
		return number%40 == 22
	}
	return false
}

func (s *services) accountLocked(number int) *account {
	a := s.accounts[number]
	if a == nil {
		a = &account{requests: make(map[string]int)}
		s.accounts[number] = a
	}
	return a
}

func (s *services) reserveLocked(a *account, item string) int {
	switch {
	case a.reserved != "": // by an earlier request
	case s.stock[item] == 0:
		return http.StatusConflict
	default:
		s.stock[item]--
		a.reserved = item
	}
	return http.StatusOK
}

func (s *services) chargeLocked(a *account, card, price string) int {
	cents, err := strconv.Atoi(price)
	switch {
	case err != nil:
		return http.StatusBadRequest
	case card == declinedCard:
		return http.StatusPaymentRequired
	}
	a.paid = cents
	return http.StatusOK
}

// undoLocked puts the piece back, pays the money back and recalls the parcel.
func (s *services) undoLocked(a *account) {
	if a.reserved != "" {
		s.stock[a.reserved]++
	}
	a.reserved, a.paid, a.shipped, a.undone = "", 0, false, true
}

// books are sums over all orders.
type books struct{ reserved, paid, shipped, cents int }

func (s *services) books() (b books) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.accounts {
		if a.reserved != "" {
			b.reserved++
		}
		if a.paid > 0 {
			b.paid++
		}
		if a.shipped {
			b.shipped++
		}
		b.cents += a.paid
	}
	return b
}
