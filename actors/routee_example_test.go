package actors_test

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
)

// Two desks that exist already share the requests. The pool does not stop them.
func ExamplePropsFromRoutees() {
	system := exampleSystem()
	desk := actor.PropsFromFunc(func(ctx actor.Context) {
		if name, ok := ctx.Message().(string); ok {
			ctx.Respond("welcome, " + name)
		}
	})
	first, second := system.Root.Spawn(desk), system.Root.Spawn(desk)

	pool := system.Root.Spawn(actors.PropsFromRoutees([]*actor.PID{first, second}, actors.WithTaskTimeout(time.Second)))
	answer, err := system.Root.RequestFuture(pool, "Ada", 2*time.Second).Result()
	fmt.Println(answer, err)

	for _, pid := range []*actor.PID{pool, first, second} {
		if err := system.Root.StopFuture(pid).Wait(); err != nil {
			fmt.Println(err)
		}
	}
	// Output: welcome, Ada <nil>
}
