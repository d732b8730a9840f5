// Package release tests that the modules of this repository can be used from outside, by
// version. It has no other code.
package release
