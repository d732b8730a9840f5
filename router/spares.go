package router

// maxSpares bounds the cells that a router keeps for reuse.
const maxSpares = 4096

// spares is a list of released cells that the router has made.
type spares struct {
	first, last *Cell
	count       int
}

func (s *spares) push(c *Cell) {
	c.link = s.first
	if s.first == nil {
		s.last = c
	}
	s.first = c
	s.count++
}

// pop returns nil if there is none.
func (s *spares) pop() *Cell {
	c := s.first
	if c == nil {
		return nil
	}
	s.first, c.link = c.link, nil
	s.count--
	return c
}

// take moves all of from to s, unless s has enough.
func (s *spares) take(from *spares) {
	if from.first == nil {
		return
	}
	if s.count < maxSpares {
		from.last.link = s.first
		if s.first == nil {
			s.last = from.last
		}
		s.first = from.first
		s.count += from.count
	}
	*from = spares{}
}

// spareLocked returns a cell of the router's own making.
func (r *Router) spareLocked() *Cell {
	c := r.spares.pop()
	if c == nil {
		c = r.cfg.NewCell()
		c.pooled = true
	}
	return c
}

// unusedLocked takes back a cell whose task was rejected.
func (r *Router) unusedLocked(c *Cell) {
	if c.pooled {
		c.forget()
		r.spares.push(c)
	}
}
