package timer

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

func TestMessageTextForm(t *testing.T) {
	for want, m := range map[string]Message{
		`{"wake":{"session":"1_MX4<&>","at":1700000000000}}`: {Wake: &Wake{Session: "1_MX4<&>", At: 1_700_000_000_000}},
		`{"event":{"event":"connectionCreated","sessionId":"s","at":1,"received":2,"connectionId":"c","data":"{\"user\":\"ann\"}","digest":"d"}}`: {Event: &lesson.Event{
			Name: journal.ConnectionCreated, Session: "s", At: 1, Received: 2, Connection: "c", Data: `{"user":"ann"}`, Digest: "d",
		}},
		`{"tell":{"session":"s","at":7}}`: {Tell: &Wake{Session: "s", At: 7}},
		`{"forward":{"received":5,"header":{"X-A":["1","2"]},"body":"AP8=","failures":3}}`: {
			Forward: &Forward{room.Callback{Received: 5, Header: map[string][]string{"X-A": {"1", "2"}}, Body: []byte{0, 255}}, 3},
		},
		`{"wake":{"session":"\ufffe\uffff","at":1}}`: {Wake: &Wake{Session: "\uFFFE\uFFFF", At: 1}},
	} {
		got, err := m.Encode()
		if err != nil || got != want {
			t.Errorf("Encode gives %s (%v), want %s", got, err, want)
		}
		back, err := Decode(want)
		if d := cmp.Diff(m, back); err != nil || d != "" {
			t.Errorf("Decode of %s: %v, -want +got:\n%s", want, err, d)
		}
	}
}

func TestMessagesThatAreNone(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":                  ``,
		"not JSON":                 `{`,
		"two texts":                `{"wake":{"session":"s","at":1}}{}`,
		"an empty object":          `{}`,
		"both":                     `{"wake":{"session":"s","at":1},"event":{"sessionId":"s","event":"e"}}`,
		"telling and a wake":       `{"wake":{"session":"s","at":1},"tell":{"session":"s","at":1}}`,
		"telling of no session":    `{"tell":{"at":1}}`,
		"a callback of no time":    `{"forward":{"body":""}}`,
		"another kind":             `{"sleep":{}}`,
		"a wake without a session": `{"wake":{"at":1}}`,
		"a wake without a moment":  `{"wake":{"session":"s"}}`,
		"a wake before the epoch":  `{"wake":{"session":"s","at":-1}}`,
		"an event without a name":  `{"event":{"sessionId":"s"}}`,
		"an event of no session":   `{"event":{"event":"e"}}`,
		"a moment as text":         `{"wake":{"session":"s","at":"1"}}`,
		"too large":                `{"wake":{"session":"s","at":1}}` + strings.Repeat(" ", MaxBody),
	} {
		t.Run(name, func(t *testing.T) {
			if m, err := Decode(body); err == nil {
				t.Errorf("it was read as %+v", m)
			}
		})
	}
	if _, err := (Message{Event: &lesson.Event{Name: "e", Session: "s", Data: strings.Repeat("x", MaxBody)}}).Encode(); err == nil {
		t.Error("a message was made that no queue takes")
	}
	if _, err := (Message{}).Encode(); err == nil {
		t.Error("an empty message was made")
	}
}

func TestNewerMessageIsRead(t *testing.T) {
	m, err := Decode(`{"wake":{"session":"s","at":5,"why":"warning"},"version":2}`)
	if d := cmp.Diff(Message{Wake: &Wake{Session: "s", At: 5}}, m); err != nil || d != "" {
		t.Errorf("%v, -want +got:\n%s", err, d)
	}
}

// acceptable says whether SQS takes the text: #x9, #xA, #xD, #x20 to #xD7FF,
// #xE000 to #xFFFD, #x10000 to #x10FFFF, as SendMessage is documented.
func acceptable(body string) bool {
	for _, r := range body {
		switch {
		case r == 0x9, r == 0xA, r == 0xD:
		case r < 0x20, r > 0xD7FF && r < 0xE000, r == 0xFFFE, r == 0xFFFF:
			return false
		}
	}
	return utf8.ValidString(body) && body != "" && len(body) <= MaxBody
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"wake":{"session":"1_MX4","at":1700000000000}}`)
	f.Add(`{"event":{"event":"streamCreated","sessionId":"s","data":"\ufffe\u0001"}}`)
	f.Add(`{"WAKE":{"Session":"s","at":1e3}}`)
	f.Add(`{"forward":{"received":5,"header":{"X-A":["1","2"]},"body":"AP8="}}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, body string) {
		m, err := Decode(body)
		if err != nil {
			return
		}
		again, err := m.Encode()
		if err != nil {
			if len(body)*6 < MaxBody {
				t.Fatalf("read but not written: %v", err)
			}
			return
		}
		if !acceptable(again) {
			t.Fatalf("SQS does not take %q", again)
		}
		back, err := Decode(again)
		if d := cmp.Diff(m, back); err != nil || d != "" {
			t.Fatalf("%q came back different (%v):\n%s", again, err, d)
		}
	})
}
