package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

type (
	image  struct{ name string }
	letter struct{ to, subject string }
	report struct{ number int }
)

// describe is how the dashboard shows payloads.
func describe(payload any) string { return fmt.Sprintf("%+v", payload) }

var errReset = errors.New("connection reset by the mail server")

// thumbnail does tasks of some milliseconds. Some images are broken, and one in a thousand
// is so for good.
func thumbnail(ctx context.Context, in image) (int, error) {
	if err := work(ctx, spread(8*time.Millisecond)); err != nil {
		return 0, err
	}
	switch n := rand.IntN(1000); {
	case n < 1 || actors.Attempt(ctx) > 1 && n < 500:
		return decode(in, -1), nil
	case n < 12:
		return 0, messages.NoRetry(fmt.Errorf("%s: unexpected end of file", in.name))
	}
	return 1, actors.Report(ctx, "pixels", 640*480)
}

// decode panics, as decoders do.
func decode(in image, row int) int {
	rows := make([]int, len(in.name))
	return rows[row]
}

// send delivers a letter. For ten seconds of every minute, the server is in a bad way.
func send(ctx context.Context, in letter) (string, error) {
	if err := work(ctx, spread(40*time.Millisecond)); err != nil {
		return "", err
	}
	odds := 0.02
	if time.Now().Second() < 10 {
		odds = 0.4
	}
	if rand.Float64() < odds {
		return "", fmt.Errorf("to %s: %w", in.to, errReset)
	}
	return "sent to " + in.to, nil
}

// stuckReport is the one that never gets done, whatever its context says.
const stuckReport = 7

// summarize does tasks of seconds.
func summarize(stopped <-chan struct{}) actors.Handler[report, string] {
	return func(ctx context.Context, in report) (string, error) {
		if in.number == stuckReport {
			<-stopped
		}
		return "done", work(ctx, spread(700*time.Millisecond))
	}
}

// work takes its time, unless ctx ends.
func work(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// spread is a time that is mostly near d, and now and then much longer.
func spread(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.4 + rand.ExpFloat64()*0.6))
}

// load starts the pools and whoever gives them tasks. stop ends both.
func load(system *actor.ActorSystem) (stop func(), err error) {
	stopped := make(chan struct{})
	thumbnails, err1 := actors.NewPool(system.Root, thumbnail,
		actors.WithName("thumbnails"), actors.WithSize(8), actors.WithTaskTimeout(5*time.Second),
		actors.WithRetry(actors.Retry{Attempts: 3, Panics: true, Min: 200 * time.Millisecond, Max: time.Second}),
		actors.WithQuarantine(actors.Quarantine{Crashes: 2}))
	mail, err2 := actors.NewPool(system.Root, send,
		actors.WithName("mail"), actors.WithSize(6), actors.WithDispatch(router.ConsistentHash()), actors.WithQueue(200, actors.Reject),
		actors.WithRetry(actors.Retry{Attempts: 4, Min: 250 * time.Millisecond, Max: 4 * time.Second, Jitter: 0.2}))
	reports, err3 := actors.NewPool(system.Root, summarize(stopped),
		actors.WithName("reports"), actors.WithSize(4), actors.WithTaskTimeout(time.Minute))
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}

	ctx, end := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	clients.Go(func() {
		for i := 0; pause(ctx, 3*time.Millisecond); i++ {
			n := 1
			if i%6000 == 1000 {
				n = 900 // a burst
			}
			for j := range n {
				_ = thumbnails.Tell(ctx, image{name: fmt.Sprintf("photo-%06d.jpg", i+j)}) // that one is lost when ctx ends
			}
		}
	})
	clients.Go(func() {
		for pause(ctx, 14*time.Millisecond) {
			user := fmt.Sprintf("user%d@example.org", rand.IntN(500))
			_ = mail.Tell(ctx, letter{to: user, subject: "Your order"}, actors.Key(user), actors.NoWait()) // the dashboard counts those that are rejected
		}
	})
	clients.Go(func() {
		for i := 1; pause(ctx, 350*time.Millisecond); i++ {
			_ = reports.Tell(ctx, report{number: i}, actors.ID(fmt.Sprintf("report-%d", i)), actors.Priority(i%3))
		}
	})
	return func() {
		end()
		close(stopped)
		clients.Wait()
		thumbnails.Close()
		mail.Close()
		reports.Close()
	}, nil
}

// pause waits for a time that is d in the mean, and reports false when ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	return work(ctx, time.Duration(rand.ExpFloat64()*float64(d))) == nil
}
