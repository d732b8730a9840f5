package model_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// submit submits task n, in a hurry without a goroutine of its own.
func (r *runner) submit(t *testing.T, n int, o *op, hurry bool) {
	if r.script.actors {
		r.request(t, n, o)
		return
	}
	if hurry {
		err := r.typed.Tell(context.Background(), n, r.options(n, o)...)
		r.note(func() { r.account.tasks[n].returned, r.account.tasks[n].refusal = r.now(), describe(err) })
		return
	}
	if o.kind == doRequest {
		r.inbox.Request(r.pool.PID(), r.task(n, o))
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	if o.patience > 0 {
		ctx, cancel = context.WithTimeout(context.Background(), r.script.span(o.patience, n, ofPatience))
	} else if o.patience < 0 {
		cancel()
	}
	var do, note func()
	var err error
	options, seen := r.options(n, o), &r.account.tasks[n]
	switch o.kind {
	case doAsk:
		var out int
		do = func() { out, err = r.ask(ctx, n, options) }
		note = func() { seen.told, seen.what = r.now(), r.answer(n, out, err) }
	case doSubmit:
		do = func() {
			future, refusal := r.typed.Submit(ctx, n, options...)
			err = refusal
			if err == nil {
				r.await(n, future)
			}
		}
	case doTell:
		do = func() { err = r.typed.Tell(ctx, n, options...) }
	}
	if note == nil {
		note = func() { seen.returned, seen.refusal = r.now(), describe(err) }
	}
	r.apart(fmt.Sprintf("the submission of task %d", n), func() {
		if !o.bound {
			defer cancel() // the end of its context does not concern a task that was accepted
		}
		do()
	}, note)
}

// task is what an actor sends.
func (r *runner) task(n int, o *op) *messages.Task {
	return &messages.Task{
		ID: strconv.Itoa(n), Payload: n, Key: o.key, Priority: o.priority, Timeout: r.script.span(o.timeout, n, ofTimeout),
	}
}

// await notes what becomes of a future.
func (r *runner) await(n int, future *actors.Future[int]) {
	r.note(func() { r.futures[n] = future })
	var out int
	var err error
	r.apart(fmt.Sprintf("the future of task %d", n), func() { out, err = future.Wait(context.Background()) }, func() {
		seen := &r.account.tasks[n]
		seen.told, seen.what = r.now(), r.answer(n, out, err)
	})
}

// answer says what was told.
func (r *runner) answer(n, out int, err error) string {
	if err == nil && out != 2*n {
		return fmt.Sprintf("%d instead of %d", out, 2*n)
	}
	return describe(err)
}

// options are those of the task. It has none that it does not need: one without is
// treated apart here and there.
func (r *runner) options(n int, o *op) []actors.TaskOption {
	var options []actors.TaskOption
	if !r.script.anonymous() {
		options = append(options, actors.ID(strconv.Itoa(n)))
	}
	if o.priority != 0 {
		options = append(options, actors.Priority(o.priority))
	}
	if o.key != "" {
		options = append(options, actors.Key(o.key))
	}
	if o.timeout > 0 {
		options = append(options, actors.Timeout(r.script.span(o.timeout, n, ofTimeout)))
	}
	if o.bound {
		options = append(options, actors.CancelWithContext())
	}
	if o.noWait {
		options = append(options, actors.NoWait())
	}
	return options
}

// collect notes the results that the inbox gets.
func (r *runner) collect(over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		case message := <-r.inbox.Mail:
			result, ok := message.(*messages.Result)
			if !ok { // from the dead letters, when the pool is gone
				continue
			}
			n, err := strconv.Atoi(result.TaskID)
			if err != nil || r.tasks[n].kind != doRequest || r.account.tasks[n].told > 0 {
				r.fault("unexpected result: %+v", result)
				continue
			}
			r.note(func() {
				seen := &r.account.tasks[n]
				seen.told, seen.what = r.now(), describeResult(result)
			})
			if value := any(2 * n); result.Err == nil && result.Value != value {
				r.fault("wrong result: %+v", result)
			}
		}
	}
}

// do carries out a step that is no submission. n tasks have been submitted.
func (r *runner) do(t *testing.T, step int, o *op, n int) {
	switch o.kind {
	case doCancel:
		if i := n - 1 - o.n; i >= 0 && r.futures[i] != nil {
			r.account.tasks[i].canceled = earliest(r.account.tasks[i].canceled, r.now())
			r.futures[i].Cancel()
		}
	case doPause:
		r.pool.Pause()
	case doResume:
		r.pool.Resume()
	case doResize:
		r.resize(step, o.n)
	case doWait:
		r.apart("quiet", func() { _ = r.typed.Wait(context.Background()) }, func() {
			r.account.waits[step] = append(r.account.waits[step], r.now())
		})
	case doShutdown, doFinish:
		if r.script.actors {
			r.drain(t, step, o.kind)
			return
		}
		stop := r.typed.Shutdown
		if o.kind == doFinish {
			stop = r.typed.Finish
		}
		ctx, cancel := context.WithTimeout(context.Background(), r.script.span(o.d, step, ofTimeout))
		r.stop(step, func() (messages.DrainReport, error) {
			defer cancel()
			return stop(ctx)
		})
	case doClose:
		r.stop(step, func() (messages.DrainReport, error) { return r.typed.Close(), nil })
	case doStop:
		r.root.Stop(r.pool.PID())
	case doPoison:
		r.root.Poison(r.pool.PID())
	case doStopParent:
		r.root.Stop(r.parent)
	}
}

func (r *runner) stop(step int, do func() (messages.DrainReport, error)) {
	var got messages.DrainReport
	var err error
	r.apart(fmt.Sprintf("the stop of step %d", step), func() { got, err = do() }, func() {
		r.account.stops[step] = newReport(r.now(), got, err)
	})
}

// resize notes what those workers have in hand that are to leave.
func (r *runner) resize(step, size int) {
	stats := r.stats()
	for i := size; i < stats.Size; i++ {
		r.account.retired[step] = append(r.account.retired[step], r.inHand(&stats.Workers[i]))
	}
	var err error
	r.apart(fmt.Sprintf("the resize of step %d", step), func() { err = r.pool.Resize(context.Background(), size) }, func() {
		r.account.resized[step] = describe(err)
	})
}

// inHand is the task that the worker has in hand; -1: none. A plain message has an ID of
// the pool's.
func (r *runner) inHand(w *messages.WorkerStats) int {
	if r.script.actors {
		r.mu.Lock()
		defer r.mu.Unlock()
		if task, ok := r.hands[w.ID]; ok {
			return task
		}
		return none
	}
	task, err := strconv.Atoi(w.Task)
	if err != nil {
		return none
	}
	return task
}
