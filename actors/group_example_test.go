package actors_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// nap takes as many milliseconds as it is told.
func nap(ctx context.Context, n int) (string, error) {
	select {
	case <-time.After(time.Duration(n) * time.Millisecond):
		return fmt.Sprint(n, " ms"), nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// half fails for odd numbers.
func half(_ context.Context, n int) (int, error) {
	if n%2 != 0 {
		return 0, fmt.Errorf("%d is odd", n)
	}
	return n / 2, nil
}

// The answers come in the order in which the tasks end.
func ExamplePool_Each() {
	release := make(chan struct{})
	greet := func(_ context.Context, name string) (string, error) {
		if name == "slow" {
			<-release
		}
		return "hello, " + name, nil
	}
	pool, err := actors.NewPool(exampleSystem().Root, greet, actors.WithSize(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	for answer := range pool.Each(context.Background(), slices.Values([]string{"slow", "quick"})) {
		fmt.Println(answer.Out, answer.Err)
		if answer.In == "quick" {
			close(release)
		}
	}
	// Output:
	// hello, quick <nil>
	// hello, slow <nil>
}

// An answer says which input it belongs to and how the task went.
func ExampleAnswer() {
	pool, err := actors.NewPool(exampleSystem().Root, half, actors.WithSize(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	for answer := range pool.Each(context.Background(), slices.Values([]int{4, 5})) {
		fmt.Println(answer.ID, answer.In, answer.Outcome, answer.Attempts, answer.Out, answer.Err)
	}
	// Output:
	// 1 4 succeeded 1 2 <nil>
	// 2 5 failed 1 0 5 is odd
}

// With Ahead(1), an input is submitted when the answer before has been consumed.
func ExampleAhead() {
	pool, err := actors.NewPool(exampleSystem().Root, half, actors.WithSize(4))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	inputs := func(yield func(int) bool) {
		for _, n := range []int{2, 4} {
			fmt.Println("input", n)
			if !yield(n) {
				return
			}
		}
	}
	for answer := range pool.Each(context.Background(), inputs, actors.Ahead(1)) {
		fmt.Println("output", answer.Out)
	}
	// Output:
	// input 2
	// output 1
	// input 4
	// output 2
}

// A group waits for its tasks and returns the first error.
func ExamplePool_Group() {
	pool, err := actors.NewPool(exampleSystem().Root, half)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	group := pool.Group(context.Background())
	for _, n := range []int{2, 3, 4} {
		if err := group.Submit(n); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(group.Wait())
	fmt.Println(pool.Stats().Succeeded)
	// Output:
	// 3 is odd
	// 2
}

// A task may lead to further tasks. The loop ends when none is left.
func ExampleGroup_Answers() {
	pool, err := actors.NewPool(exampleSystem().Root, half)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	group := pool.Group(context.Background())
	if err := group.Submit(24); err != nil {
		fmt.Println(err)
		return
	}
	for answer := range group.Answers() {
		if answer.Err != nil {
			fmt.Println(answer.Err)
			continue
		}
		fmt.Println(answer.In, "->", answer.Out)
		if err := group.Submit(answer.Out); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// 24 -> 12
	// 12 -> 6
	// 6 -> 3
	// 3 is odd
}

// A rejected task is an error of its group.
func ExampleGroup_Submit() {
	pool, err := actors.NewPool(exampleSystem().Root, half)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	group := pool.Group(context.Background())
	err = group.Submit(2, actors.Timeout(-time.Second))
	fmt.Println(err)
	fmt.Println(group.Wait() == err)
	// Output:
	// troupe: invalid option: task timeout -1s < 0
	// true
}

// Several goroutines may submit to a group and wait for it.
func ExampleGroup_Wait() {
	pool, err := actors.NewPool(exampleSystem().Root, half)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	group := pool.Group(context.Background())
	fmt.Println(group.Wait(), "without tasks")
	if err := group.Submit(2); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(group.Wait(), "and used again")
	// Output:
	// <nil> without tasks
	// <nil> and used again
}

// The first error cancels the tasks that are left.
func ExampleFailFast() {
	pool, err := actors.NewPool(exampleSystem().Root, half, actors.WithSize(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	pool.Pause()
	group := pool.Group(context.Background(), actors.FailFast())
	for _, n := range []int{2, 3, 4, 6} {
		if err := group.Submit(n); err != nil {
			fmt.Println(err)
			return
		}
	}
	pool.Resume()
	fmt.Println(group.Wait())
	for answer := range group.Answers() {
		fmt.Println(answer.In, answer.Outcome)
	}
	fmt.Println(errors.Is(group.Submit(8), messages.ErrCanceled))
	// Output:
	// 3 is odd
	// 2 succeeded
	// 3 failed
	// 4 canceled
	// 6 canceled
	// true
}

// A group that may have one unsettled task runs its tasks one by one, however large the pool.
func ExampleMaxInFlight() {
	pool, err := actors.NewPool(exampleSystem().Root, nap, actors.WithSize(8))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	group := pool.Group(context.Background(), actors.MaxInFlight(1))
	for _, n := range []int{30, 20, 10} {
		if err := group.Submit(n); err != nil {
			fmt.Println(err)
			return
		}
	}
	for answer := range group.Answers() {
		fmt.Println(answer.Out)
	}
	// Output:
	// 30 ms
	// 20 ms
	// 10 ms
}

// Options of a group are made by functions.
func ExampleGroupOption() {
	pool, err := actors.NewPool(exampleSystem().Root, half)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	options := []actors.GroupOption{actors.FailFast(), actors.MaxInFlight(0)}
	fmt.Println(pool.Group(context.Background(), options...).Wait())
	// Output: troupe: invalid option: MaxInFlight(0) < 1
}

func ExampleFuture_Result() {
	pool, err := actors.NewPool(exampleSystem().Root, half, actors.WithName("halves"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	future, err := pool.Submit(context.Background(), 8, actors.ID("eight"))
	if err != nil {
		fmt.Println(err)
		return
	}
	<-future.Done()
	result, _ := future.Result()
	fmt.Println(result.Pool, result.TaskID, result.Outcome, result.Attempts, result.Value, result.Err)
	// Output: halves eight succeeded 1 4 <nil>
}

func ExampleFuture_OnSettled() {
	pool, err := actors.NewPool(exampleSystem().Root, half)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	future, err := pool.Submit(context.Background(), 8)
	if err != nil {
		fmt.Println(err)
		return
	}
	called := make(chan struct{})
	future.OnSettled(func() {
		outcome, _ := future.Outcome()
		fmt.Println(outcome)
		close(called)
	})
	<-called
	// Output: succeeded
}
