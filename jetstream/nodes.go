package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	js "github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/troupe-go/troupe/messages"
)

// The nodes that have pools fed from the store's queues: each says every now and then
// what it does. They are in one bucket, by queue, and forgotten when they are silent.
const (
	nodesBucket = "troupe_nodes"
	nodesPeriod = 2 * time.Second
	nodesKept   = 15 * time.Second
)

func nodeKey(queue string) string { return queue + "." + nuid.Next() }

// announce tells of the feeder until it is quiet.
func (f *Feeder) announce() {
	ticker := time.NewTicker(nodesPeriod)
	defer ticker.Stop()
	for {
		f.tell()
		select {
		case <-ticker.C:
		case <-f.quiet:
			return
		}
	}
}

// tell says what the feeder does. That it cannot is seen by others, as its silence.
func (f *Feeder) tell() {
	ctx, cancel := context.WithTimeout(f.calls, nodesPeriod)
	defer cancel()
	data, err := json.Marshal(f.Stats())
	if err != nil {
		return
	}
	_, _ = f.queue.nodes.Put(ctx, f.key, data)
}

// leave takes the feeder out of the nodes.
func (f *Feeder) leave(ctx context.Context) {
	_ = f.queue.nodes.Purge(ctx, f.key)
}

// makeNodes finds or makes the bucket of the nodes.
func (q *queue) makeNodes(ctx context.Context) (err error) {
	q.nodes, err = q.store.js.KeyValue(ctx, nodesBucket)
	if errors.Is(err, js.ErrBucketNotFound) {
		q.nodes, err = q.store.js.CreateKeyValue(ctx, js.KeyValueConfig{
			Bucket: nodesBucket, TTL: nodesKept, Replicas: q.settings.Replicas,
		})
		if errors.Is(err, js.ErrBucketExists) { // somebody else was quicker
			q.nodes, err = q.store.js.KeyValue(ctx, nodesBucket)
		}
	}
	if err != nil {
		return err
	}
	// It must outlive what the queue with the most replicas outlives.
	status, err := q.nodes.Status(ctx)
	if err != nil || status.Config().Replicas >= q.settings.Replicas {
		return err
	}
	more := status.Config()
	more.Replicas = q.settings.Replicas
	q.nodes, err = q.store.js.UpdateKeyValue(ctx, more)
	return err
}

// listNodes are the nodes that have been heard of lately, by name.
func (q *queue) listNodes(ctx context.Context) ([]messages.DurableNode, error) {
	lister, err := q.nodes.ListKeysFiltered(ctx, q.name+".*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = lister.Stop() }()
	var nodes []messages.DurableNode
	for key := range lister.Keys() {
		entry, err := q.nodes.Get(ctx, key)
		if errors.Is(err, js.ErrKeyNotFound) { // it has just left
			continue
		}
		if err != nil {
			return nil, err
		}
		var node messages.DurableNode
		if json.Unmarshal(entry.Value(), &node) != nil { // that of another version
			continue
		}
		node.Seen = entry.Created()
		nodes = append(nodes, node)
	}
	slices.SortFunc(nodes, func(a, b messages.DurableNode) int {
		if byName := strings.Compare(a.Node, b.Node); byName != 0 {
			return byName
		}
		return a.Since.Compare(b.Since)
	})
	return nodes, nil
}
