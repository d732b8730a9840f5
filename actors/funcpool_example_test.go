package actors_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// With a nil parent, a pool of functions needs no actor system.
func ExampleNewFuncPool() {
	pool, err := actors.NewFuncPool(nil, actors.WithSize(4))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	fmt.Println(pool.Do(context.Background(), func(context.Context) error {
		fmt.Println("on a worker")
		return nil
	}))
	// Output:
	// on a worker
	// <nil>
}

// Go does not wait for the function.
func ExampleFuncPool_Go() {
	pool, err := actors.NewFuncPool(exampleSystem().Root)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	ctx := context.Background()
	done := make(chan string, 1)
	err = pool.Go(ctx, func(context.Context) error {
		done <- "done"
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(<-done)
	// Output: done
}

// Do returns the error of its function. A panic is an error as well.
func ExampleFuncPool_Do() {
	pool, err := actors.NewFuncPool(exampleSystem().Root)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	ctx := context.Background()
	errNoDisk := errors.New("no disk")
	err = pool.Do(ctx, func(context.Context) error { return errNoDisk })
	fmt.Println(err == errNoDisk)

	err = pool.Do(ctx, func(context.Context) error { panic("no memory") })
	var crash *messages.PanicError
	fmt.Println(errors.As(err, &crash), crash.Value)
	// Output:
	// true
	// true no memory
}

// A group of functions is used like an errgroup, with the workers of the pool.
func ExampleFuncPool_Group() {
	pool, err := actors.NewFuncPool(exampleSystem().Root)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	group := pool.Group(context.Background(), actors.FailFast())
	sums := make([]int, 3)
	for i := range sums {
		group.Go(func(context.Context) error {
			sums[i] = i * i
			return nil
		})
	}
	fmt.Println(group.Wait(), sums)
	// Output: <nil> [0 1 4]
}

// A function of a group may add others to it.
func ExampleFuncGroup_Go() {
	pool, err := actors.NewFuncPool(exampleSystem().Root, actors.WithSize(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	group := pool.Group(context.Background())
	group.Go(func(context.Context) error {
		fmt.Println("first")
		group.Go(func(context.Context) error {
			fmt.Println("second")
			return nil
		})
		return nil
	})
	fmt.Println(group.Wait())
	// Output:
	// first
	// second
	// <nil>
}

// Wait reports a function that was rejected, since Go returns nothing.
func ExampleFuncGroup_Wait() {
	pool, err := actors.NewFuncPool(exampleSystem().Root)
	if err != nil {
		fmt.Println(err)
		return
	}
	pool.Close()

	group := pool.Group(context.Background())
	group.Go(func(context.Context) error { return nil })
	fmt.Println(group.Wait())
	// Output: troupe: pool stopped
}
