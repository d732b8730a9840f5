package engine

import "slices"

// A deadlockGraph answers for all waits at once whether they are vain. It has an edge from a
// to b if b goes on once a goes on. Two nodes are no hands: goesOn, from which the edges lead
// to what goes on by itself, and anyWorker, to which the edges of all workers lead.
//
// The wait of a handler for a target is vain if the target cannot be reached from goesOn, or
// only through the handler: in the terms of graph theory, if the handler dominates the
// target. The dominators are found by the algorithm of K. Cooper, T. Harvey and K. Kennedy,
// "A Simple, Fast Dominance Algorithm" (2001). So judging all waits takes little more time
// than searching from one of them.
type deadlockGraph struct {
	numbers map[*hand]int // of the nodes
	pending []*hand       // those whose waits have not been added
	next    [][]int       // by node: where its edges lead
	prior   [][]int       // by node: where its edges come from
	waits   []graphWait

	order []int // the nodes that goesOn leads to, in reverse postorder
	place []int // by node: its place in order; -1: goesOn does not lead to it
	above []int // by node: its immediate dominator
}

// A graphWait is a wait that does not end by itself.
type graphWait struct {
	wait     *poolWait
	from, to int // nodes: its handler's, and its target's
}

const (
	goesOn = iota
	anyWorker
)

// graphLocked returns the graph of all waits. Workers may come and go meanwhile. One that has
// left has been replaced, or another is on its way; one that has come may be found as the
// target of a wait.
func (d *deadlocks) graphLocked() *deadlockGraph {
	g := &deadlockGraph{numbers: make(map[*hand]int), next: make([][]int, 2), prior: make([][]int, 2)}
	coming := d.comingLocked()
	for w := range d.roster.everyWorker {
		g.connect(g.node(&w.hand), anyWorker)
	}
	if coming || d.comingLocked() || len(g.numbers) == 0 { // see anyLocked
		g.connect(goesOn, anyWorker)
	}
	for _, h := range d.inCallers {
		g.node(h)
	}
	for len(g.pending) > 0 {
		h := g.pending[0]
		g.pending = g.pending[1:]
		d.addWaitsLocked(g, h)
	}
	return g
}

// addWaitsLocked adds the waits of the handler in a hand.
func (d *deadlocks) addWaitsLocked(g *deadlockGraph, h *hand) {
	from, waits := g.node(h), d.waitsOfLocked(h)
	if len(waits) == 0 {
		g.connect(goesOn, from)
	}
	for _, wait := range waits {
		to, ends := d.targetLocked(wait)
		target := anyWorker
		switch {
		case ends:
			g.connect(goesOn, from)
			continue
		case to != nil:
			target = g.node(to)
		}
		g.connect(target, from)
		g.waits = append(g.waits, graphWait{wait, from, target})
	}
}

// node returns the node of a hand.
func (g *deadlockGraph) node(h *hand) int {
	n, ok := g.numbers[h]
	if !ok {
		n = len(g.next)
		g.numbers[h] = n
		g.pending = append(g.pending, h)
		g.next, g.prior = append(g.next, nil), append(g.prior, nil)
	}
	return n
}

func (g *deadlockGraph) connect(from, to int) {
	g.next[from] = append(g.next[from], to)
	g.prior[to] = append(g.prior[to], from)
}

// firstVain returns a vain wait of a handler that is in a circle, or nil if there is none.
func (g *deadlockGraph) firstVain() *poolWait {
	if len(g.waits) == 0 {
		return nil
	}
	g.arrange()
	g.dominate()
	first, last := g.spans()
	for _, w := range g.waits {
		switch {
		case g.place[w.to] >= 0:
			if g.place[w.from] >= 0 && first[w.from] <= first[w.to] && last[w.to] <= last[w.from] {
				return w.wait
			}
		case g.leadsTo(w.from, w.to): // else the target is in a circle, or behind one, without this handler
			return w.wait
		}
	}
	return nil
}

// leadsTo reports whether edges lead from one node to another.
func (g *deadlockGraph) leadsTo(from, to int) (leads bool) {
	walk(g.next, from, func(n int) { leads = leads || n == to }, func(int) {})
	return leads
}

// arrange fills order and place.
func (g *deadlockGraph) arrange() {
	g.place = slices.Repeat([]int{-1}, len(g.next))
	g.order = make([]int, 0, len(g.next))
	walk(g.next, goesOn, func(int) {}, func(n int) { g.order = append(g.order, n) })
	slices.Reverse(g.order)
	for i, n := range g.order {
		g.place[n] = i
	}
}

// dominate fills above.
func (g *deadlockGraph) dominate() {
	g.above = slices.Repeat([]int{-1}, len(g.next))
	g.above[goesOn] = goesOn
	for changed := true; changed; {
		changed = false
		for _, n := range g.order[1:] {
			best := -1
			for _, p := range g.prior[n] {
				switch {
				case g.place[p] < 0 || g.above[p] < 0: // not reached, or not yet
				case best < 0:
					best = p
				default:
					best = g.meet(best, p)
				}
			}
			if g.above[n] != best {
				g.above[n], changed = best, true
			}
		}
	}
}

// meet returns the nearest node that dominates both a and b.
func (g *deadlockGraph) meet(a, b int) int {
	for a != b {
		for g.place[a] > g.place[b] {
			a = g.above[a]
		}
		for g.place[b] > g.place[a] {
			b = g.above[b]
		}
	}
	return a
}

// spans numbers the tree of dominators: a dominates b if the span of a contains that of b.
func (g *deadlockGraph) spans() (first, last []int) {
	below := make([][]int, len(g.next))
	for _, n := range g.order[1:] {
		below[g.above[n]] = append(below[g.above[n]], n)
	}
	first, last = make([]int, len(g.next)), make([]int, len(g.next))
	count := 0
	walk(below, goesOn, func(n int) { count++; first[n] = count }, func(n int) { last[n] = count })
	return first, last
}

// walk visits the nodes that edges lead to from a root, depth first. It calls enter before the
// nodes behind a node and leave after them.
func walk(next [][]int, root int, enter, leave func(int)) {
	seen := make([]bool, len(next))
	type step struct{ node, edge int }
	path := []step{{node: root}}
	seen[root] = true
	enter(root)
	for len(path) > 0 {
		top := &path[len(path)-1]
		if top.edge == len(next[top.node]) {
			leave(top.node)
			path = path[:len(path)-1]
			continue
		}
		to := next[top.node][top.edge]
		top.edge++
		if !seen[to] {
			seen[to] = true
			enter(to)
			path = append(path, step{node: to})
		}
	}
}
