package router

// A hold is what is known of a task while it is in a hand: a worker's, or its
// caller's under CallerRuns. It is for the goroutine that runs the task; others
// read ctx and started under Router.mu, once they have found the task running.
type hold struct {
	ctx     *Context
	started int64   // on the router's clock
	attempt attempt // once it has failed

	interrupted bool // guarded by Router.mu; the task got its outcome from others
}

// hold is that of the task whose handler has ctx.
func (c *Context) hold() *hold {
	if c.worker != nil {
		return &c.worker.hold
	}
	return &c.run.hold
}

// holdLocked is that of a task that is running.
func (r *Router) holdLocked(c *Cell) *hold {
	if c.worker != nil {
		return &c.worker.hold
	}
	return &r.callers[c].hold
}
