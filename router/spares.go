package router

// maxSpares bounds the cells that a router keeps for reuse. It is a power of 2.
const maxSpares = 4096

// spares are released cells that the router has made: the longest unused is used
// first, so that cells that lie side by side are used one after another.
type spares struct {
	ring       []*Cell // made when the first one comes
	head, tail uint32  // of those in ring; tail-head is their number
}

// put keeps c, unless there are enough.
func (s *spares) put(c *Cell) {
	if s.ring == nil {
		s.ring = make([]*Cell, maxSpares)
	}
	if s.tail-s.head < maxSpares {
		s.ring[s.tail%maxSpares] = c
		s.tail++
	}
}

// take returns nil if there is none.
func (s *spares) take() *Cell {
	if s.head == s.tail {
		return nil
	}
	c := s.ring[s.head%maxSpares] // it stays there: the line is not for this processor to change
	s.head++
	return c
}

// spareLocked returns a cell of the router's own making.
func (r *Router) spareLocked() *Cell {
	c := r.spares.take()
	if c == nil {
		for _, fresh := range r.cfg.NewCells() {
			fresh.pooled = true
			r.spares.put(fresh)
		}
		c = r.spares.take()
	}
	return c
}

// unusedLocked takes back a cell whose task was rejected.
func (r *Router) unusedLocked(c *Cell) {
	if c.pooled {
		c.recycle()
		r.spares.put(c)
	}
}

// recycle makes a cell that the router made ready for another task.
func (c *Cell) recycle() {
	c.Clear()
	c.body.Released()
}

// release says that the pool is done with c, which has been in w's hand. It is for
// w's goroutine.
func (w *Worker) release(c *Cell) {
	if !c.pooled {
		c.body.Released()
		return
	}
	c.recycle()
	w.spares = append(w.spares, c)
}

// putAside is release for a task whose deadline may still be set, which only the
// router can end: reclaimLocked does.
func (w *Worker) putAside(c *Cell) {
	if c.dueAt() == 0 {
		w.release(c)
		return
	}
	w.timed = append(w.timed, c)
}

// reclaimLocked ends the deadlines of what w has put aside, and takes the cells that
// it has released.
func (r *Router) reclaimLocked(w *Worker) {
	for i, c := range w.timed {
		w.timed[i] = nil
		r.endDeadlineLocked(c)
		w.release(c)
	}
	w.timed = w.timed[:0]
	for i, c := range w.spares {
		w.spares[i] = nil
		r.spares.put(c)
	}
	w.spares = w.spares[:0]
}
