// Package contender has the pools that are measured, Troupe and its peers, behind
// one interface.
//
// Each is used as its documentation tells its users to, with default options but
// for the size. Those that take a func() are given one that was allocated
// beforehand, which is generous: most programs would allocate a closure for each
// task.
package contender

// The names of the contenders that are spoken of by name.
const (
	NameTroupe      = "Troupe"
	NameRoundRobin  = "Troupe, round-robin"
	NameRandom      = "Troupe, random"
	NameLeastBusy   = "Troupe, least-busy"
	NameCustom      = "Troupe, custom"
	NameHash        = "Troupe, consistent hash"
	NameStateful    = "Troupe, workers with state"
	NameFuncPool    = "Troupe, pool of functions"
	NameAnts        = "ants"
	NameAntsMulti   = "ants, multi-pool"
	NamePond        = "pond"
	NameWorkerpool  = "workerpool"
	NameConc        = "conc"
	NameSemaphore   = "goroutine per task, semaphore"
	NameChannel     = "bare channel"
	NameProtoActor  = "Proto.Actor router"
	NameProtoGroup  = "Proto.Actor group"
	NameProtoHash   = "Proto.Actor hash router"
	NameFuture      = "Proto.Actor RequestFuture"
	NameSubmitWait  = "workerpool SubmitWait"
	NameGoroutine   = "goroutine per call, semaphore"
	NameBareReplies = "bare channel with replies"
)

// Work is what is done for each task, in the two forms that contenders take.
type Work struct {
	// Do is the handler of those that take a payload.
	Do func(n int)
	// Func is for those that take functions: it returns one that does what Do(n)
	// does.
	Func func(n int) func()
}

// Same returns work that is the same for every task.
func Same(do func()) Work {
	return Work{
		Do:   func(int) { do() },
		Func: func(int) func() { return do },
	}
}

// A Pool does tasks.
type Pool interface {
	// Tell submits a task. Whether it waits when the pool has much to do is the
	// pool's own affair.
	Tell(n int) error
	// Close ends the pool, which must have nothing left to do.
	Close() error
}

// A Contender is a kind of pool.
type Contender struct {
	Name string
	// Lazy pools spawn their workers as tasks come.
	Lazy bool
	// Open makes a pool of so many workers.
	Open func(size int, work Work) (Pool, error)
}

// Peers are the pools that are an alternative to Troupe, in the order of the tables.
func Peers() []Contender {
	return []Contender{Ants(), AntsMulti(), Pond(), Workerpool(), Conc(), Semaphore()}
}

// All are Troupe, its peers, Proto.Actor's router and, as the floor, a bare channel.
func All() []Contender {
	all := append([]Contender{Troupe()}, Peers()...)
	return append(all, ProtoActor(), Channel())
}

// Names returns the names of contenders.
func Names(contenders []Contender) []string {
	names := make([]string, len(contenders))
	for i, c := range contenders {
		names[i] = c.Name
	}
	return names
}
