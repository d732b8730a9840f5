package engine

import "sync"

// A spinMutex is a mutex for which a goroutine tries a few times before it sleeps. It is
// for locks that are held about as long as those tries take. A plain sync.Mutex does not
// spin while other goroutines could run.
type spinMutex struct{ sync.Mutex }

// lockTries is how often Lock tries before it sleeps.
const lockTries = 30

// Lock locks m.
func (m *spinMutex) Lock() {
	for range lockTries {
		if m.TryLock() {
			return
		}
	}
	m.Mutex.Lock()
}
