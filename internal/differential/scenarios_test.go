package differential_test

import (
	"slices"

	"github.com/asynkron/protoactor-go/actor"
)

// A scenario is played with each kind of router, both with a pool and with a group.
type scenario struct {
	name     string
	size     int // how many routees there are at the beginning
	strategy actor.SupervisorStrategy
	parent   bool     // the sender is the parent of the pool
	only     string   // isPool or isGroup; empty: both
	kinds    []string // by name; empty: all
	senders  bool     // the notes say who has sent what routees get, and the answer to GetRoutees
	play     func(s *stage)
}

// scenarios are all scenarios.
func scenarios() []scenario {
	return slices.Concat(sending(), managing(), stopping(), failing())
}

// isPool and isGroup are where a scenario has a counterpart only.
const (
	isPool  = "pool"
	isGroup = "group"
)
