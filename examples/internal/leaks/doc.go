// Package leaks makes sure that the tests of an example leave no goroutine behind.
package leaks
