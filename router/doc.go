// Package router has the dispatch strategies of a pool, which say which worker
// gets a task, and its data plane: admission, the queues, the workers' mailboxes
// and the ledger.
//
// Most programs need only the strategies, such as [LeastBusy], and the overflow
// policies. The rest is what package actors builds pools of.
package router
