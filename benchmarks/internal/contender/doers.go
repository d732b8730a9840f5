package contender

import (
	"context"

	"github.com/alitto/pond/v2"
	"github.com/gammazero/workerpool"
	"github.com/panjf2000/ants/v2"
)

// Doers are the pools of functions, each of which is waited for. The functions are
// closures that leave the answer in a variable of their caller.
func Doers() []Asker {
	return []Asker{
		{Name: NameFuncPool, Answers: true, Open: openDo},
		{Name: NameAnts, Answers: true, Open: openAntsDo},
		{Name: NamePond, Answers: true, Open: openPondDo},
		{Name: NameSubmitWait, Answers: true, Open: openWorkerpoolDo},
		{Name: NameGoroutine, Answers: true, Open: openGoroutineAsk},
	}
}

func openDo(size int) (Asking, error) {
	functions, err := NewFuncPool(size)
	if err != nil {
		return Asking{}, err
	}
	ask := func(n int) (answer int, err error) {
		err = functions.Do(context.Background(), func(context.Context) error {
			answer = n
			return nil
		})
		return answer, err
	}
	return Asking{Caller: always(ask), Close: (&funcPool{pool: functions}).Close}, nil
}

// openAntsDo waits with a channel for each call, since ants has nothing to wait with.
func openAntsDo(size int) (Asking, error) {
	functions, err := ants.NewPool(size, antsOptions())
	if err != nil {
		return Asking{}, err
	}
	ask := func(n int) (answer int, err error) {
		done := make(chan struct{})
		err = functions.Submit(func() {
			answer = n
			close(done)
		})
		if err == nil {
			<-done
		}
		return answer, err
	}
	return Asking{Caller: always(ask), Close: (&antsPool{release: functions.Release}).Close}, nil
}

func openPondDo(size int) (Asking, error) {
	functions := pond.NewPool(size)
	ask := func(n int) (answer int, err error) {
		err = functions.SubmitErr(func() error {
			answer = n
			return nil
		}).Wait()
		return answer, err
	}
	return Asking{Caller: always(ask), Close: (&pondPool{pool: functions}).Close}, nil
}

func openWorkerpoolDo(size int) (Asking, error) {
	functions := workerpool.New(size)
	ask := func(n int) (answer int, err error) {
		err = functions.DoWait(func() { answer = n })
		return answer, err
	}
	return Asking{Caller: always(ask), Close: (&workerPool{pool: functions}).Close}, nil
}

// always gives each caller the same function.
func always(ask Ask) func() Ask {
	return func() Ask { return ask }
}
