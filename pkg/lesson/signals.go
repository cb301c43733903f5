package lesson

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"usher/pkg/journal"
	"usher/pkg/policy"
)

// The signals' types.
const (
	signalStarted  = "usher-started"
	signalPaused   = "usher-paused"
	signalResumed  = "usher-resumed"
	signalWarning  = "usher-warning"
	signalExtended = "usher-extended"
	signalEnded    = "usher-ended"

	// To one connection:
	signalRefused   = "usher-refused"
	signalUnpublish = "usher-unpublish"
)

// sayRefused tells a connection why it has to go, unless everybody was told. The
// request to disconnect it does not wait for that.
func (t *turn) sayRefused(c Conn) {
	if t.ending {
		return
	}
	t.signalTo(c.ID, signalRefused, struct {
		ID     string         `json:"id"`
		Reason journal.Reason `json:"reason"`
	}{fmt.Sprintf("refused-%d", c.DisconnectRequestedAt), c.Reason})
}

// sayUnpublish asks a connection to stop a stream.
func (t *turn) sayUnpublish(conn, stream string, kind policy.Kind, grace time.Duration) {
	t.signalTo(conn, signalUnpublish, struct {
		ID           string      `json:"id"`
		Stream       string      `json:"streamId"`
		Kind         policy.Kind `json:"kind"`
		GraceSeconds int         `json:"graceSeconds"`
	}{"unpublish-" + stream, stream, kind, int(grace / time.Second)})
}

// sayEnded tells everyone that the lesson is over, and why. What the same decision has to
// say of the clock goes unsaid: it would come after the last word.
func (t *turn) sayEnded(why journal.Reason) {
	t.effects.Signals = slices.DeleteFunc(t.effects.Signals, func(s Signal) bool { return s.To == "" })
	if len(t.l.Conns) == 0 {
		return
	}
	t.signal(signalEnded, true, struct {
		ID     string         `json:"id"`
		Reason journal.Reason `json:"reason"`
	}{fmt.Sprintf("ended-%d", t.l.EndedAt), why})
}

// clockWord is what clients are told of the clock: fields that are not known are null.
type clockWord struct {
	ID          string  `json:"id"`
	StartedAt   *string `json:"startedAt,omitempty"`
	SecondsLeft *int64  `json:"secondsLeft"`
	EndsAt      *string `json:"endsAt"`
}

// sayClock tells everyone where the clock stands. The id names the line of the log that
// says it.
func (t *turn) sayClock(kind string) {
	word := clockWord{ID: fmt.Sprintf("%s-%d", kind, t.l.Base+int64(len(t.l.Tail)))}
	if left, limited := t.l.Left(t.now); limited {
		word.SecondsLeft = new(WholeSeconds(left))
	}
	if end := t.l.ShownEnd(); end != 0 {
		word.EndsAt = new(end.String())
	}
	if kind == signalPaused {
		t.signal(kind, false, struct {
			ID          string `json:"id"`
			SecondsLeft *int64 `json:"secondsLeft"`
		}{word.ID, word.SecondsLeft})
		return
	}
	if kind == signalStarted {
		word.StartedAt = new(t.l.StartedAt.String())
	}
	t.signal(kind, false, word)
}

func (t *turn) sayStarted()  { t.sayClock(signalStarted) }
func (t *turn) sayWarning()  { t.sayClock(signalWarning) }
func (t *turn) sayExtended() { t.sayClock(signalExtended) }

// sayPauses tells everyone that the clock stands still, or that it runs again.
func (t *turn) sayPauses() {
	if t.l.Status == journal.Paused {
		t.sayClock(signalPaused)
		return
	}
	t.sayClock(signalResumed)
}

func (t *turn) signal(kind string, last bool, fields any) {
	t.effects.Signals = append(t.effects.Signals, Signal{Type: kind, Data: said(fields), Last: last})
}

func (t *turn) signalTo(conn, kind string, fields any) {
	t.effects.Signals = append(t.effects.Signals, Signal{To: conn, Type: kind, Data: said(fields)})
}

func said(fields any) []byte {
	data, err := json.Marshal(fields)
	if err != nil {
		panic(err) // structs of texts and numbers always marshal
	}
	return data
}
