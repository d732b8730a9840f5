package contender

// Semaphore starts a goroutine for each task, as many at a time as a buffered
// channel has room for.
func Semaphore() Contender {
	return Contender{Name: NameSemaphore, Lazy: true, Open: func(size int, work Work) (Pool, error) {
		return &semaphore{slots: make(chan struct{}, size), work: work}, nil
	}}
}

type semaphore struct {
	slots chan struct{}
	work  Work
}

func (s *semaphore) Tell(n int) error {
	s.slots <- struct{}{}
	go func() {
		defer func() { <-s.slots }()
		s.work.Do(n)
	}()
	return nil
}

// Close waits until every goroutine has given its slot back.
func (s *semaphore) Close() error {
	for range cap(s.slots) {
		s.slots <- struct{}{}
	}
	return nil
}
