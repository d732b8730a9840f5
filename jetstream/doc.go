// Package jetstream has durable queues for Troupe's pools, kept by NATS JetStream: for
// work that must survive a crash, or that outgrows one machine.
//
//	store, err := jetstream.Open(ctx, jetstream.WithDirectory("/var/lib/thumbnails"))
//	queue, err := jetstream.NewQueue[Image](ctx, store, "thumbnails")
//	feeder, err := jetstream.Attach(queue, pool)   // a pool of package actors
//	receipt, err := queue.Submit(ctx, image)       // here, or in any other process
//
// # Where tasks are kept
//
// WithDirectory keeps them on this machine, by a server within this process that
// listens nowhere; WithListen lets other processes in. WithURL keeps them on servers
// elsewhere, such as a cluster, of which [Replicas] of them have each task. Nothing else
// changes from one to the other.
//
// What a task outlives once Submit has returned is said by [Durability]: [Process], the
// default, is safe against a killed process, [Power] against a loss of power as well, at
// the price of an fsync a task. A cluster with three replicas is safe against the loss
// of any one of its machines.
//
// # What becomes of a task
//
// A feeder takes as many tasks as its pool has room for, and submits them to the pool.
// When the handler has returned without an error the task is done, and gone from the
// queue. While the handler has it, its lease is extended; if its process dies, the lease
// ends and another node is given the task.
//
// An attempt that failed goes back to the store until its next one, by the policy of
// [WithRetry]. After the last, the task is a dead letter, with its error and stack: so is
// one whose payload cannot be read, and one that was lost with its node too often, which
// may be what kills the nodes. Dead letters are listed, requeued and deleted by the queue's
// methods, and block nothing.
//
// A task that no handler has begun is given back to other nodes at once when its feeder
// stops, and does not lose an attempt by that.
//
// # At least once
//
// Each task is with one node at a time, and is done at least once. It is done again if
// its node dies after the handler has done its work and before the server knows, or
// has not been heard of for the lease though it lives: a machine that was suspended, a
// network that was cut. So a handler must be such that a second time does no harm: it
// writes by a key that is the task's ID (actors.TaskFromContext), or looks first whether the
// work has been done; [DeliveryFromContext] says when there is reason to. A handler that
// ignores the end of its context may still run when another node has its task.
//
// A submission is done at most once in the same sense: within the queue's [Window] a
// second one with the same [ID] stores nothing. So whoever does not know whether it
// was stored submits it again.
//
// Order is that of submission within one priority, as far as one node goes: tasks that are
// tried again, and several nodes, change it.
//
// # To stop
//
// First the store, then its pools: [Store.Close] takes no more tasks, waits for handlers
// until its context ends, and gives back the rest. A pool that is closed before has its
// handlers canceled, and others do those tasks.
//
// # Figures
//
// [Queue.Inspect] and [Feeder.Stats] say what is in a queue and what its nodes do. The
// dashboard shows it: dashboard.WithDurable.
package jetstream
