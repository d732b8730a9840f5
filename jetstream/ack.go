package jetstream

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// What the server is told of a delivery, as the protocol of consumers has it (NATS
// ADR-13).
const (
	ackDone     = "+ACK"
	ackProgress = "+WPI"
	ackTerm     = "+TERM"
	ackAgain    = "-NAK"
)

// later has the task delivered again, no sooner than after the delay.
func later(delay time.Duration) string {
	if delay <= 0 {
		return ackAgain
	}
	data, err := json.Marshal(struct {
		Delay time.Duration `json:"delay"`
	}{delay})
	if err != nil {
		return ackAgain
	}
	return ackAgain + " " + string(data)
}

// givenUp is what the server is told of a dead letter.
func givenUp(reason string) string { return ackTerm + " " + strings.Join(strings.Fields(reason), " ") }

// answer tells the server what has become of the delivery. While the servers are away
// that is kept for them; what is lost of it counts as the loss of the node.
func (d *delivery) answer(what string) {
	if err := d.feeder.queue.store.conn.Publish(d.msg.Reply, []byte(what)); err != nil {
		d.warn("the store is not told of a task", err)
	}
}

// confirm is answer, and waits until the server knows. What the next node would need to
// know must be kept until then.
func (d *delivery) confirm(what string) error {
	s := d.feeder.queue.store
	err := s.patiently(d.feeder.calls, func(ctx context.Context) error {
		_, err := s.conn.RequestWithContext(ctx, d.msg.Reply, []byte(what))
		return err
	})
	if err != nil {
		d.answer(what)
	}
	return err
}

// metadata says where a message comes from.
func metadata(msg *nats.Msg) (*nats.MsgMetadata, error) {
	meta, err := msg.Metadata()
	if err != nil {
		return nil, fmt.Errorf("reply %q: %w", msg.Reply, err)
	}
	return meta, nil
}
