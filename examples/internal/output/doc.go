// Package output keeps what an example writes while a test of it reads along.
package output
