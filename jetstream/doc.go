// Package jetstream has durable queues, for work that must survive a crash or that
// outgrows one machine.
package jetstream
