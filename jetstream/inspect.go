package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	js "github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/messages"
)

// Inspect says what is in the queue, and who feeds pools from it.
func (q *queue) Inspect(ctx context.Context) (messages.DurableStats, error) {
	var stats messages.DurableStats
	err := q.store.patiently(ctx, func(ctx context.Context) error {
		stats = messages.DurableStats{Queue: q.name, At: time.Now()}
		return q.inspect(ctx, &stats)
	})
	if err != nil {
		return stats, fmt.Errorf("inspect queue %s: %w", q.name, err)
	}
	return stats, nil
}

func (q *queue) inspect(ctx context.Context, stats *messages.DurableStats) error {
	info, err := q.tasks.Info(ctx, js.WithSubjectFilter(q.subject("ready", "*")))
	if err != nil {
		return err
	}
	stats.Delayed = int64(info.State.Msgs) // less those that are ready or in hand
	for level := len(q.consumers) - 1; level >= 0; level-- {
		// What the consumer says is pending may be less than what has been stored.
		consumer, err := q.consumers[level].Info(ctx)
		if err != nil {
			return err
		}
		there, inHand := int64(info.State.Subjects[q.ready(level)]), int64(consumer.NumAckPending)
		l := messages.DurableLevel{Priority: level, Ready: max(there-inHand, 0), InHand: inHand}
		stats.Ready += l.Ready
		stats.InHand += l.InHand
		stats.Delayed -= there
		stats.Levels = append(stats.Levels, l)
	}
	stats.Bytes = int64(info.State.Bytes)
	stats.Servers = servers(info, q.store.conn.ConnectedServerName())
	if info, err = q.attempts.Info(ctx); err != nil {
		return err
	}
	stats.Retrying = int64(info.State.NumSubjects) // a task may have several records
	if info, err = q.dead.Info(ctx); err != nil {
		return err
	}
	stats.Dead = int64(info.State.Msgs)
	if stats.Oldest, err = q.oldest(ctx, stats.At); err != nil {
		return err
	}
	stats.Nodes, err = q.listNodes(ctx)
	return err
}

// oldest is how long ago the oldest task whose time has come was submitted.
func (q *queue) oldest(ctx context.Context, now time.Time) (time.Duration, error) {
	msg, err := q.tasks.GetMsg(ctx, 1, js.WithGetMsgSubject(q.subject("ready", "*")))
	if errors.Is(err, js.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	t, _ := parse(msg.Header) // a broken one is as old
	return max(now.Sub(t.submittedAt(msg.Time)), 0), nil
}

// servers are those that store the tasks, the leader first.
func servers(info *js.StreamInfo, connected string) []messages.DurableServer {
	if info.Cluster == nil || info.Cluster.Leader == "" {
		return []messages.DurableServer{{Name: connected, Leader: true, Current: true}}
	}
	all := []messages.DurableServer{{Name: info.Cluster.Leader, Leader: true, Current: true}}
	for _, peer := range info.Cluster.Replicas {
		all = append(all, messages.DurableServer{
			Name: peer.Name, Current: peer.Current && !peer.Offline, Lag: int64(peer.Lag), Active: peer.Active,
		})
	}
	return all
}

// Purge deletes all tasks without an outcome, but for those that a handler has: these
// go on, and have none. Dead letters and results stay.
func (q *queue) Purge(ctx context.Context) error {
	err := q.store.patiently(ctx, func(ctx context.Context) error {
		if err := q.tasks.Purge(ctx); err != nil {
			return err
		}
		return q.attempts.Purge(ctx)
	})
	if err != nil {
		return fmt.Errorf("purge queue %s: %w", q.name, err)
	}
	return nil
}
