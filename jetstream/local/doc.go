// Package local runs clusters of NATS servers on this machine, for tests, examples and
// a first look. The servers are processes of their own, so that they can be killed, but
// there is no binary to install: each is the program itself, started once more. So the
// first thing that it does must be [Main]:
//
//	func main() {
//		local.Main(nil)
//		...
//		cluster, err := local.Start(ctx, directory, 3)
//
// In tests that is TestMain. A program can be started once more in roles of its own,
// too; see [Role] and [Spawn]. No child outlives its parent.
//
// The servers listen on 127.0.0.1 alone and ask nobody who they are: for production
// there is nats-server.
package local
