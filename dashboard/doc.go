// Package dashboard shows the pools of an actor system in a browser: whether each is
// well and, if not, which worker or task is to blame.
//
// [New] returns an http.Handler. Mount it in a server of your own, under any prefix that
// ends in a slash; nothing has to be stripped from it:
//
//	http.Handle("/troupe/", dashboard.New(system))
//
// It shows every pool of the system, also those to come: an overview with charts of the
// last five minutes, the workers, the last tasks with their errors and stacks, and the
// quarantine. With [WithDurable] it shows durable queues as well: what is in them, the
// nodes and servers of their cluster, and their dead letters. All of it is served from
// within the program; the page asks nobody else for anything.
//
// # Who may see it, and change things
//
// The dashboard asks nobody who they are. Serve it on an address that only those can reach
// who may see it, or wrap it in the authentication that your application has. An address
// of the machine's own does not keep out a web page that a browser on it has open, if the
// page's host name is made to lead there: authentication does, or a check of the request's
// Host.
//
// It changes nothing unless it is made with [WithControls]; then it can pause, resume and
// resize pools, and submit quarantined tasks and dead letters again or delete them. Such
// requests are refused if a browser says that they come from another site.
//
// Payloads of tasks are not shown, unless [WithPayload] says how; those of dead letters are
// bytes, a [DurablePayload]. Errors and their stacks are shown, as are the IDs and keys of
// tasks. Headers never are.
//
// # What it costs
//
// Once a second each pool is asked for a snapshot, however many look at the page. The last
// tasks of each pool are kept: 512 that succeeded and 512 others, fewer successes if more
// of them come than could be read. That and five minutes of figures take about a megabyte a
// pool, plus what the errors hold. Every reader gets the newest figures when
// he is ready for them; a slow one misses some, and holds up nobody. His stream ends with
// [Dashboard.Close], which [net/http.Server.Shutdown] would else wait for: have it called by
// [net/http.Server.RegisterOnShutdown].
//
// Durable queues are elsewhere. Each is asked how it is every two seconds while somebody
// looks, and for dead letters when somebody wants to see them. One that does not answer is
// said to be unreachable, with its last figures and their age, and holds up nobody.
package dashboard
