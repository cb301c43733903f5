package timer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
)

// MaxBody is the largest message in bytes, which is what SQS takes (256 KiB).
const MaxBody = 256 << 10

// Message is what stands in the queues and in a schedule's input. Exactly one
// of its fields is set.
type Message struct {
	Wake  *Wake         `json:"wake,omitempty"`
	Event *lesson.Event `json:"event,omitempty"` // parked: no store would take it
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
	switch {
	case (m.Wake == nil) == (m.Event == nil):
		return errors.New("a message is either a wake or an event")
	case m.Wake != nil && (m.Wake.Session == "" || m.Wake.At <= 0):
		return fmt.Errorf("a wake needs a session and a moment, and has %q and %d", m.Wake.Session, m.Wake.At)
	case m.Event != nil && (m.Event.Session == "" || m.Event.Name == ""):
		return fmt.Errorf("an event needs a session and a name, and has %q and %q", m.Event.Session, m.Event.Name)
	}
	return nil
}
