package dashboard

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/messages"
)

const (
	maxLetters  = 50              // dead letters are read from a store elsewhere: this many at a time
	lettersTime = 8 * time.Second // that their reading may take; the page waits for a little longer
)

var (
	errNoQueue   = errors.New("no such durable queue")
	errNoNumbers = errors.New("no dead letters are named")
)

// DurablePayload is the payload of a dead letter as it was submitted, in bytes, which may be
// what no handler could read. The function that was given to [WithPayload] puts it into
// words like any other payload, and may leave out what is not for everybody.
type DurablePayload []byte

// maxPayload is how many bytes of a payload are put into words.
const maxPayload = 4 << 10

// String is the payload itself if it is text, or else a dump of its bytes; of its first
// 4 KiB.
func (p DurablePayload) String() string {
	head := string(p[:min(len(p), maxPayload)])
	text := head
	for range utf8.UTFMax - 1 { // the cut may have gone through a character
		if len(head) == len(p) || utf8.ValidString(text) {
			break
		}
		text = text[:len(text)-1]
	}
	binary := func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r) }
	if utf8.ValidString(text) && !strings.ContainsFunc(text, binary) {
		if len(text) < len(p) {
			text += " …"
		}
		return text
	}
	return hex.Dump([]byte(head))
}

// number names a dead letter. It is a text in JSON, for the numbers of a browser are not
// exact beyond 2⁵³.
type number uint64

// MarshalText implements encoding.TextMarshaler.
func (n number) MarshalText() ([]byte, error) { return strconv.AppendUint(nil, uint64(n), 10), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *number) UnmarshalText(text []byte) error {
	value, err := strconv.ParseUint(string(text), 10, 64)
	*n = number(value)
	return err
}

// letterJSON is a dead letter.
type letterJSON struct {
	Number   number `json:"number"`
	ID       string `json:"id"`
	Key      string `json:"key"`
	Priority int    `json:"priority"`
	Payload  string `json:"payload"`
	Reason   string `json:"reason"`
	Outcome  string `json:"outcome"`
	Error    string `json:"error"`
	Stack    string `json:"stack"`
	Attempts int    `json:"attempts"`
	Node     string `json:"node"`
	At       int64  `json:"at"` // milliseconds since 1970
}

func (d *Dashboard) newLetterJSON(l *messages.DeadLetter) letterJSON {
	j := letterJSON{
		Number: number(l.Number), ID: l.ID, Key: l.Key, Priority: l.Priority,
		Reason: string(l.Reason), Outcome: l.Outcome.String(),
		Error: journal.Clip(l.Err, maxError), Stack: journal.Clip(l.Stack, maxError),
		Attempts: l.Attempts, Node: journal.Clip(l.Node, maxName), At: l.Died.UnixMilli(),
	}
	if d.payload != nil {
		j.Payload = d.payload(DurablePayload(l.Payload))
	}
	return j
}

// findDurable returns the durable queue that a request names, or answers that there is none.
func (d *Dashboard) findDurable(w http.ResponseWriter, label string) *durable {
	for _, q := range d.durables {
		if q.label == label {
			return q
		}
	}
	refuse(w, http.StatusNotFound, fmt.Errorf("%w: %q", errNoQueue, label))
	return nil
}

// letters answers with the dead letters of a queue that come after a number.
func (d *Dashboard) letters(w http.ResponseWriter, r *http.Request) {
	q := d.findDurable(w, r.FormValue("queue"))
	if q == nil {
		return
	}
	after, err := strconv.ParseUint(cmp.Or(r.FormValue("after"), "0"), 10, 64)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	list, err := call(r.Context(), q, lettersTime, func(ctx context.Context) ([]letterJSON, error) {
		letters, err := q.queue.DeadLetters(ctx, after, maxLetters+1) // one more says that there are more
		list := make([]letterJSON, min(len(letters), maxLetters+1))
		for i := range list {
			list[i] = d.newLetterJSON(&letters[i])
		}
		return list, err
	})
	if err != nil {
		refuseFor(w, http.StatusServiceUnavailable, err)
		return
	}
	respond(w, http.StatusOK, map[string]any{"letters": list[:min(len(list), maxLetters)], "more": len(list) > maxLetters})
}

// refuseFor answers with an error of a queue's, which is not ours.
func refuseFor(w http.ResponseWriter, status int, err error) {
	text, _ := describe(err)
	respond(w, status, map[string]string{"error": text})
}

// A lettersOrder is what a request says to have something done to dead letters.
type lettersOrder struct {
	Queue   string   `json:"queue"`
	Numbers []number `json:"numbers"`
}

// lettersControl returns the handler of requests to requeue or delete dead letters. done
// says what has been done when not all could be.
func (d *Dashboard) lettersControl(done string, do func(DurableQueue, context.Context, ...uint64) (int, error)) http.Handler {
	return obeying(d, func(w http.ResponseWriter, r *http.Request, o *lettersOrder) {
		q := d.findDurable(w, o.Queue)
		switch {
		case q == nil:
			return
		case len(o.Numbers) == 0: // to a queue, none might mean all
			refuse(w, http.StatusBadRequest, errNoNumbers)
			return
		}
		numbers := make([]uint64, len(o.Numbers))
		for i, n := range o.Numbers {
			numbers[i] = uint64(n)
		}
		type part struct { // what was done before an error counts
			n   int
			err error
		}
		p, err := call(r.Context(), q, orderTime, func(ctx context.Context) (part, error) {
			n, err := do(q.queue, ctx, numbers...)
			return part{n, err}, nil
		})
		q.askSoon()
		if err = cmp.Or(err, p.err); err != nil {
			text, _ := describe(err)
			if p.n > 0 {
				text = fmt.Sprintf("after %d had been %s: %s", p.n, done, text)
			}
			respond(w, http.StatusConflict, map[string]string{"error": text})
			return
		}
		respond(w, http.StatusOK, map[string]int{"count": p.n})
	})
}
