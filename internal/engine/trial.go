package engine

// sideLocked brings sidelined up to date, after a change of what it depends on.
func (e *core) sideLocked(w *Worker) {
	x := w.rare
	sidelined := x != nil && w.routed && (x.delayed || x.breaker == breakerOpen ||
		x.breaker == breakerTrial && (w.hasTaskLocked() || w.q.owner != nil && w.q.exactLocked() > 0))
	if sidelined == w.sidelined {
		return
	}
	w.sidelined = sidelined
	e.setRouteesLocked(e.roster.view.Load().routees)
}

// sideIfOnTrial sidelines a worker on trial that has got its probe.
func (e *core) sideIfOnTrial(w *Worker) {
	e.world(func(*after) { e.sideLocked(w) })
}

// tripped reports whether a worker has failed often enough to be sidelined.
func (e *core) tripped(w *Worker) bool { return int(w.failures) >= e.cfg.Breaker.Failures }
