package timer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// MaxBody is the largest message in bytes, which is what SQS takes (256 KiB).
const MaxBody = 256 << 10

// Message is what stands in the queues and in a schedule's input. Exactly one
// of its fields is set.
type Message struct {
	Wake  *Wake         `json:"wake,omitempty"`
	Event *lesson.Event `json:"event,omitempty"` // parked: no store would take it
	Tell  *Wake         `json:"tell,omitempty"`  // of the owner's backend
	// Forward is a callback that goes on to another listener.
	Forward *Forward `json:"forward,omitempty"`
}

// Forward is a callback and how often sending it on has failed.
type Forward struct {
	room.Callback
	Failures int `json:"failures,omitempty"`
}

// Wake asks for the work of a lesson at a moment.
type Wake struct {
	Session string        `json:"session"`
	At      epoch.Instant `json:"at"` // milliseconds since the epoch
	// Deadline says that it is a lesson's deadline, whose wake comes Ahead of it.
	Deadline bool `json:"deadline,omitempty"`
}

// Encode gives the message as text that SQS accepts: JSON of at most MaxBody
// bytes without the two characters that XML has no place for.
func (m Message) Encode() (string, error) {
	if err := m.check(); err != nil {
		return "", err
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // it would make some texts six times as long
	if err := enc.Encode(m); err != nil {
		return "", fmt.Errorf("the message cannot be written: %w", err)
	}
	body := unfitForXML.Replace(strings.TrimSuffix(buf.String(), "\n"))
	if len(body) > MaxBody {
		return "", fmt.Errorf("the message has %d bytes; a queue takes %d", len(body), MaxBody)
	}
	return body, nil
}

// unfitForXML escapes the characters that JSON allows as they are and SQS refuses
// (InvalidMessageContents).
var unfitForXML = strings.NewReplacer("\uFFFE", `\ufffe`, "\uFFFF", `\uffff`)

// Decode is the opposite of Encode. Members it does not know are ignored, so that
// an older program reads a newer one's messages.
func Decode(body string) (Message, error) {
	if len(body) > MaxBody {
		return Message{}, fmt.Errorf("the message has %d bytes, more than %d", len(body), MaxBody)
	}
	var m Message
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		return Message{}, fmt.Errorf("the message cannot be read: %w", err)
	}
	if err := m.check(); err != nil {
		return Message{}, err
	}
	return m, nil
}

func (m Message) check() error {
	kinds := 0
	for _, is := range []bool{m.Wake != nil, m.Event != nil, m.Tell != nil, m.Forward != nil} {
		if is {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		return fmt.Errorf("a message is either a wake, an event, a telling or a callback to forward, not %d of them", kinds)
	case m.Wake != nil && !m.Wake.valid():
		return fmt.Errorf("a wake needs a session and a moment, and has %q and %d", m.Wake.Session, m.Wake.At)
	case m.Tell != nil && !m.Tell.valid():
		return fmt.Errorf("telling needs a session and a moment, and has %q and %d", m.Tell.Session, m.Tell.At)
	case m.Forward != nil && (m.Forward.Received <= 0 || m.Forward.Failures < 0):
		return fmt.Errorf("a callback to forward needs the moment it came, and has %d", m.Forward.Received)
	case m.Event != nil && (m.Event.Session == "" || m.Event.Name == ""):
		return fmt.Errorf("an event needs a session and a name, and has %q and %q", m.Event.Session, m.Event.Name)
	}
	return nil
}

func (w *Wake) valid() bool { return w.Session != "" && w.At > 0 }
