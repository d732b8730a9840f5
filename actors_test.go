package troupe_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/troupe-go/troupe/actors"
)

func quiet() *actor.ActorSystem {
	return actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
}

func TestSmoke(t *testing.T) {
	p, err := actors.NewPool(quiet().Root, func(_ context.Context, n int) (int, error) {
		if n == 3 {
			panic("three")
		}
		return 2 * n, nil
	}, actors.WithSize(2))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		t.Log(p.Ask(t.Context(), i))
	}
	t.Logf("%+v", p.Stats())
	t.Log(p.Shutdown(t.Context()))
	<-p.Done()
}

func BenchmarkTell(b *testing.B) {
	p, _ := actors.NewPool(quiet().Root, func(_ context.Context, n int) (int, error) { return 0, nil }, actors.WithSize(64))
	b.ReportAllocs()
	for b.Loop() {
		_ = p.Tell(b.Context(), 1)
	}
	p.Wait(b.Context())
	p.Close()
}

func BenchmarkAsk(b *testing.B) {
	p, _ := actors.NewPool(quiet().Root, func(_ context.Context, n int) (int, error) { return 0, nil }, actors.WithSize(64))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = p.Ask(b.Context(), 1)
	}
	p.Close()
}
