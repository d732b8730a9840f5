// Package spin has a mutex for critical sections that are much shorter than it takes
// to put a goroutine to sleep and wake it.
package spin

import (
	"runtime"
	"sync"
)

// A Mutex is a sync.Mutex whose Lock tries for a while before it lets the goroutine
// sleep: first at once, then after letting other goroutines run, one of which may
// hold the lock. The zero value is unlocked.
type Mutex struct{ mu sync.Mutex }

const (
	tries  = 60 // about the length of two short critical sections
	yields = 20
)

// Lock locks m.
func (m *Mutex) Lock() {
	if !m.mu.TryLock() {
		m.lockSlow()
	}
}

func (m *Mutex) lockSlow() {
	for range yields {
		for range tries {
			if m.mu.TryLock() {
				return
			}
		}
		runtime.Gosched()
	}
	m.mu.Lock()
}

// Unlock unlocks m.
func (m *Mutex) Unlock() { m.mu.Unlock() }
