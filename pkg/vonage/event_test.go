package vonage

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

const (
	sessionID    = "2_MX4xMjM0NTZ-fjE0NzAyNTc2ODgxNDN-fg"
	connectionID = "c053fcc8-c681-41d5-8ec2-7a9e1434a21e"
	cameraID     = "63245362-e00e-4834-8371-9397deb3e452"
)

// captured reads one webhook body as it came.
func captured(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func sum(body []byte) string {
	s := sha256.Sum256(body)
	return hex.EncodeToString(s[:])
}

func TestDecodeCaptured(t *testing.T) {
	const born, streamed = 1470257688143, 1470258845416
	tests := map[string]lesson.Event{
		"connectionCreated": {
			Name: journal.ConnectionCreated, Project: "123456", At: 1470257688309,
			Connection: connectionID, ConnectedAt: born, Data: "TOKENDATA",
		},
		"connectionCreated-unified": {
			Name: journal.ConnectionCreated, Session: "1_MX40YmM3ZjJhMC0",
			Application: "4bc7f2a0-6d1e-4f83-9a25-0c8b7e6d5f41", At: 1470257688309,
			Connection: connectionID, ConnectedAt: born,
		},
		"connectionDestroyed": {
			Name: journal.ConnectionDestroyed, Project: "123456", At: 1470258896953,
			Connection: connectionID, ConnectedAt: born, Reason: "clientDisconnected",
		},
		"streamCreated": {
			Name: journal.StreamCreated, Project: "123456", At: 1470258860571,
			Connection: connectionID, ConnectedAt: born,
			Stream: cameraID, StreamAt: streamed, Kind: policy.Camera,
		},
		"streamCreated-audio": {
			Name: journal.StreamCreated, Project: "123456", At: 1470258860571,
			Connection: connectionID, ConnectedAt: born,
			Stream: "7a1c8d0e-52f5-4a7e-9d54-30b1f2e3c4d5", StreamAt: streamed, Kind: policy.Audio,
		},
		"streamCreated-screen": {
			Name: journal.StreamCreated, Project: "123456", At: 1470258860571,
			Connection: connectionID, ConnectedAt: born,
			Stream: "0d9f7c31-88a4-4be3-a0a3-6d5c4b3a2918", StreamAt: streamed, Kind: policy.Screen,
		},
		"streamDestroyed": {
			Name: journal.StreamDestroyed, Project: "123456", At: 1470258896953,
			Connection: connectionID, ConnectedAt: born,
			Stream: cameraID, StreamAt: streamed, Kind: policy.Camera, Reason: "clientDisconnected",
		},
		"sessionCreated":      {Name: "sessionCreated", Project: "123456", At: 1470257688100},
		"sessionDestroyed":    {Name: journal.SessionDestroyed, Project: "123456", At: 1470286488100, Reason: "serverRotation"},
		"sessionNotification": {Name: journal.SessionNotification, Project: "123456", At: 1470272088100},
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) != len(tests) {
		t.Fatalf("%d bodies captured (%v), %d expected", len(files), err, len(tests))
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			body := captured(t, name)
			if want.Session == "" {
				want.Session = sessionID
			}
			want.Received, want.Digest = 1470300000000, sum(body)
			got, err := Decode(body, want.Received)
			if err != nil || got != want {
				t.Errorf("got  %+v\nwant %+v\nerror %v", got, want, err)
			}
		})
	}
}

// base is a moment of our days; what follows is short beside it.
const base = epoch.Instant(1_700_000_000_000)

// decoded reads a body that must be readable, at base + 1000000.
func decoded(t *testing.T, body string) lesson.Event {
	t.Helper()
	e, err := Decode([]byte(body), base+1_000_000)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return e
}

func TestDecodeTimes(t *testing.T) {
	const connection = `{"sessionId":"s","event":"%s"%s,"connection":{"id":"c"%s}}`
	tests := []struct {
		name, event, timestamp, created string
		at, connectedAt                 epoch.Instant
	}{
		{"numbers", journal.ConnectionCreated, `1700000900000`, `1700000800000`, base + 900_000, base + 800_000},
		{"texts", journal.ConnectionCreated, `"1700000900000"`, `" 1700000800000 "`, base + 900_000, base + 800_000},
		{"fractions", journal.ConnectionCreated, `1700000900000.9`, `"1.7000008e12"`, base + 900_000, base + 800_000},
		{"no timestamp", journal.ConnectionCreated, ``, `1700000800000`, base + 1_000_000, base + 800_000},
		{"no createdAt", journal.ConnectionCreated, `1700000900000`, ``, base + 900_000, base + 900_000},
		{"neither", journal.ConnectionCreated, ``, ``, base + 1_000_000, base + 1_000_000},
		{"null", journal.ConnectionCreated, `null`, `null`, base + 1_000_000, base + 1_000_000},
		{"not a number", journal.ConnectionCreated, `"soon"`, `{"at":1}`, base + 1_000_000, base + 1_000_000},
		{"negative", journal.ConnectionCreated, `-5`, `"-5"`, base + 1_000_000, base + 1_000_000},
		{"zero", journal.ConnectionCreated, `0`, `0.5`, base + 1_000_000, base + 1_000_000},
		{"huge", journal.ConnectionCreated, `1e300`, `99999999999999999999999999`, base + 1_000_000, base + 1_000_000},
		{"infinite", journal.ConnectionCreated, `1e999`, `"NaN"`, base + 1_000_000, base + 1_000_000},
		{"after the year 9999", journal.ConnectionCreated, `253402300800000`, `9223372036854775807`, base + 1_000_000, base + 1_000_000},
		{"5 s ahead", journal.ConnectionCreated, `1700000900000`, `1700001005000`, base + 900_000, base + 1_005_000},
		{"over 5 s ahead", journal.ConnectionCreated, `1700000900000`, `1700001005001`, base + 900_000, base + 1_000_000},
		{"timestamp ahead for a missing createdAt", journal.ConnectionCreated, `1700002000000`, ``, base + 1_000_000, base + 1_000_000},
		{"timestamp 5 s ahead", journal.ConnectionDestroyed, `1700001005000`, `1700000800000`, base + 1_005_000, base + 800_000},
		{"timestamp over 5 s ahead", journal.ConnectionDestroyed, `1700001005001`, `1700000800000`, base + 1_000_000, base + 800_000},
		{"in seconds", journal.ConnectionDestroyed, `1700000900`, `1700000800`, base + 1_000_000, base + 1_000_000},
		{"timestamp in seconds", journal.ConnectionDestroyed, `1700000900`, `1700000800000`, base + 1_000_000, base + 800_000},
		{"timestamp in seconds, no createdAt", journal.ConnectionCreated, `1700000900`, ``, base + 1_000_000, base + 1_000_000},
		{"left years before it came", journal.ConnectionDestroyed, `1470257688309`, `1700000800000`, base + 800_000, base + 800_000},
		{"left before it came", journal.ConnectionDestroyed, `1700000700000`, `1700000800000`, base + 800_000, base + 800_000},
		{"left after it came", journal.ConnectionDestroyed, `1700000900000`, `1700000800000`, base + 900_000, base + 800_000},
		{"left before it came from the future", journal.ConnectionDestroyed, `1700000700000`, `1700001900000`, base + 1_000_000, base + 1_000_000},
		{"came before its timestamp's clock", journal.ConnectionCreated, `1700000700000`, `1700000800000`, base + 700_000, base + 800_000},
	}
	field := func(name, value string) string {
		if value == "" {
			return ""
		}
		return fmt.Sprintf(`,"%s":%s`, name, value)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := fmt.Sprintf(connection, tt.event, field("timestamp", tt.timestamp), field("createdAt", tt.created))
			e := decoded(t, body)
			if e.At != tt.at || e.ConnectedAt != tt.connectedAt {
				t.Errorf("%s: at %d, connected at %d; want %d, %d", body, e.At, e.ConnectedAt, tt.at, tt.connectedAt)
			}
		})
	}
}

func TestDecodeStreamTimes(t *testing.T) {
	e := decoded(t, `{"sessionId":"s","event":"streamDestroyed","timestamp":1700000500000,
		"stream":{"id":"st","createdAt":"1700000700000","connection":{"id":"c","createdAt":1700000600000}}}`)
	if e.At != base+700_000 || e.StreamAt != base+700_000 || e.ConnectedAt != base+600_000 {
		t.Errorf("at %d, stream at %d, connected at %d", e.At, e.StreamAt, e.ConnectedAt)
	}
	e = decoded(t, `{"sessionId":"s","event":"streamDestroyed","timestamp":1700000500000,"stream":{"id":"st","connection":{"id":"c","createdAt":1700000600000}}}`)
	if e.At != base+600_000 || e.StreamAt != base+500_000 || e.ConnectedAt != base+600_000 {
		t.Errorf("at %d, stream at %d, connected at %d", e.At, e.StreamAt, e.ConnectedAt)
	}
	e = decoded(t, `{"sessionId":"s","event":"streamCreated","timestamp":1700000500000,"stream":{"id":"st","createdAt":1700009000000,"connection":{"id":"c"}}}`)
	if e.At != base+500_000 || e.StreamAt != base+1_000_000 || e.ConnectedAt != base+500_000 {
		t.Errorf("at %d, stream at %d, connected at %d", e.At, e.StreamAt, e.ConnectedAt)
	}
}

func TestDecodeFields(t *testing.T) {
	long, longest := strings.Repeat("x", 256), strings.Repeat("x", 255)
	tests := []struct {
		name, body string
		get        func(lesson.Event) any
		want       any
	}{
		{"project as number", `{"sessionId":"s","event":"e","projectId":123456}`, project, "123456/"},
		{"project as text", `{"sessionId":"s","event":"e","projectId":"123456"}`, project, "123456/"},
		{"application", `{"sessionId":"s","event":"e","applicationId":"a"}`, project, "/a"},
		{"project and application", `{"sessionId":"s","event":"e","applicationId":"a","projectId":"p"}`, project, "p/a"},
		{"project null", `{"sessionId":"s","event":"e","applicationId":"a","projectId":null}`, project, "/a"},
		{"project of another type", `{"sessionId":"s","event":"e","projectId":[1]}`, project, "/"},
		{"project long", `{"sessionId":"s","event":"e","projectId":"` + long + `"}`, project, longest + "/"},
		{"no project", `{"sessionId":"s","event":"e"}`, project, "/"},
		{"a byte order mark", "\ufeff" + `{"sessionId":"s","event":"e","projectId":7}`, project, "7/"},
		{"data null", connection(`"id":"c","data":null`), data, ""},
		{"data absent", connection(`"id":"c"`), data, ""},
		{"data of another type", connection(`"id":"c","data":{"user":"a"}`), data, ""},
		{"data escaped", connection(`"id":"c","data":"{\"user\":\"\u00e4\"}"`), data, `{"user":"ä"}`},
		{"data not UTF-8", connection(`"id":"c","data":"` + "\xff" + `"`), data, "\ufffd"},
		{"connection id", connection(`"id":"c"`), ids, "c/"},
		{"longest connection id", connection(`"id":"` + longest + `"`), ids, longest + "/"},
		{"connection id too long", connection(`"id":"` + long + `"`), ids, "/"},
		{"connection id a step", connection(`"id":"."`), ids, "/"},
		{"connection id a step up", connection(`"id":".."`), ids, "/"},
		{"connection id with a step up", connection(`"id":"a/../b"`), ids, "/"},
		{"connection id with a step of another make", connection(`"id":"..\\b"`), ids, "/"},
		{"connection id with dots", connection(`"id":"a..b."`), ids, "a..b./"},
		{"stream id a step up", stream(`"id":"..","connection":{"id":"a"}`, `null`), ids, "/"},
		{"connection id empty", connection(`"id":""`), ids, "/"},
		{"connection id a number", connection(`"id":7`), ids, "/"},
		{"connection null", `{"sessionId":"s","event":"connectionCreated","connection":null}`, ids, "/"},
		{"connection a text", `{"sessionId":"s","event":"connectionCreated","connection":"c"}`, ids, "/"},
		{"connection twice", `{"sessionId":"s","event":"connectionCreated","connection":{"id":"a"},"connection":{"id":"b"}}`, ids, "b/"},
		{"stream's own connection", stream(`"id":"st","connection":{"id":"a"}`, `{"id":"b"}`), ids, "a/st"},
		{"connection at the top", stream(`"id":"st"`, `{"id":"b"}`), ids, "b/st"},
		{"stream's connection without id", stream(`"id":"st","connection":{"createdAt":1}`, `{"id":"b"}`), ids, "b/st"},
		{"stream's connection too long", stream(`"id":"st","connection":{"id":"`+long+`"}`, `{"id":"b"}`), ids, "/"},
		{"no connection", stream(`"id":"st"`, `null`), ids, "/"},
		{"no stream id", stream(`"connection":{"id":"a"}`, `null`), ids, "/"},
		{"stream id too long", stream(`"id":"`+long+`","connection":{"id":"a"}`, `null`), ids, "/"},
		{"ids of an unknown event", `{"sessionId":"s","event":"new","connection":{"id":"a"},"stream":{"id":"st"}}`, ids, "/"},
		{"stream of a connection event", `{"sessionId":"s","event":"connectionCreated","connection":{"id":"a"},"stream":{"id":"st"}}`, ids, "a/"},
		{"camera", kindOf(`,"videoType":"camera"`), streamKind, policy.Camera},
		{"capitals", kindOf(`,"videoType":"Screen"`), streamKind, policy.Screen},
		{"custom", kindOf(`,"videoType":"custom"`), streamKind, policy.Custom},
		{"audio only", kindOf(``), streamKind, policy.Audio},
		{"null", kindOf(`,"videoType":null`), streamKind, policy.Audio},
		{"unknown", kindOf(`,"videoType":"hologram"`), streamKind, policy.Custom},
		{"long session", `{"sessionId":"` + long + `","event":"e"}`, func(e lesson.Event) any { return e.Session }, long},
		{"long name", `{"sessionId":"s","event":"` + long + `"}`, func(e lesson.Event) any { return e.Name }, longest},
		{"long name of wide letters", `{"sessionId":"s","event":"` + strings.Repeat("ä", 128) + `"}`, func(e lesson.Event) any { return e.Name }, strings.Repeat("ä", 127)},
		{"long reason", `{"sessionId":"s","event":"e","reason":"` + long + `"}`, func(e lesson.Event) any { return e.Reason }, longest},
		{"reason of another type", `{"sessionId":"s","event":"e","reason":7}`, func(e lesson.Event) any { return e.Reason }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := decoded(t, tt.body)
			if got := tt.get(e); got != tt.want {
				t.Errorf("%s: got %v, want %v", tt.body, got, tt.want)
			}
			if e.Digest != sum([]byte(tt.body)) || e.Received != base+1_000_000 {
				t.Errorf("digest %s, received %d", e.Digest, e.Received)
			}
		})
	}
}

func project(e lesson.Event) any    { return e.Project + "/" + e.Application }
func data(e lesson.Event) any       { return e.Data }
func ids(e lesson.Event) any        { return e.Connection + "/" + e.Stream }
func streamKind(e lesson.Event) any { return e.Kind }

func connection(fields string) string {
	return `{"sessionId":"s","event":"connectionCreated","connection":{` + fields + `}}`
}

func stream(fields, connection string) string {
	return `{"sessionId":"s","event":"streamCreated","stream":{` + fields + `},"connection":` + connection + `}`
}

func kindOf(videoType string) string {
	return stream(`"id":"st","connection":{"id":"a"}`+videoType, `null`)
}

func TestDecodeReadsPastAByteOrderMark(t *testing.T) {
	if e, err := Decode([]byte("\ufeff"+`{"sessionId":"s","event":"e"}`), 1); err != nil || e.Session != "s" || e.Name != "e" {
		t.Errorf("got %+v, %v", e, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct {
		name, body string
		want       error
	}{
		{"nothing", ``, ErrMalformed},
		{"spaces", "  \n", ErrMalformed},
		{"a text", `"x"`, ErrMalformed},
		{"a list", `[{"sessionId":"s","event":"e"}]`, ErrMalformed},
		{"null", `null`, ErrMalformed},
		{"cut off", `{"sessionId":"s","event":"e"`, ErrMalformed},
		{"more behind it", `{"sessionId":"s","event":"e"}{}`, ErrMalformed},
		{"a byte order mark alone", "\ufeff", ErrMalformed},
		{"two byte order marks", "\ufeff\ufeff" + `{"sessionId":"s","event":"e"}`, ErrMalformed},
		{"broken after a wrong type", `{"sessionId":1,"event":`, ErrMalformed},
		{"too deep", `{"x":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, ErrMalformed},
		{"an empty object", `{}`, ErrIncomplete},
		{"no session", `{"event":"e"}`, ErrIncomplete},
		{"no event", `{"sessionId":"s"}`, ErrIncomplete},
		{"empty session", `{"sessionId":"","event":"e"}`, ErrIncomplete},
		{"empty event", `{"sessionId":"s","event":""}`, ErrIncomplete},
		{"session null", `{"sessionId":null,"event":"e"}`, ErrIncomplete},
		{"session a number", `{"sessionId":5,"event":"e"}`, ErrIncomplete},
		{"event an object", `{"sessionId":"s","event":{}}`, ErrIncomplete},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := Decode([]byte(tt.body), 1)
			if !errors.Is(err, tt.want) || e != (lesson.Event{}) {
				t.Errorf("got %+v, %v; want %v", e, err, tt.want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no captured bodies", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(`{"sessionId":"s","event":"streamDestroyed","timestamp":-1,"stream":{"id":"\ud800","createdAt":1e300,"connection":{"id":"c","createdAt":"9"}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		const received = 1_700_000_000_000
		e, err := Decode(body, received)
		if err != nil {
			if (!errors.Is(err, ErrMalformed) && !errors.Is(err, ErrIncomplete)) || e != (lesson.Event{}) {
				t.Fatalf("%+v, %v", e, err)
			}
			return
		}
		if flaw := flawOf(e, received); flaw != "" || e.Digest != sum(body) {
			t.Fatalf("%s: %+v", flaw, e)
		}
	})
}

// flawOf names a promise of Decode that an event breaks.
func flawOf(e lesson.Event, received epoch.Instant) string {
	ends := e.Name == journal.ConnectionDestroyed || e.Name == journal.StreamDestroyed
	switch {
	case e.Session == "" || e.Name == "":
		return "incomplete"
	case len(e.Name) > 255 || len(e.Reason) > 255 || len(e.Connection) > 255 || len(e.Stream) > 255:
		return "too long"
	case !utf8.ValidString(e.Name + e.Session + e.Connection + e.Stream + e.Data + e.Reason):
		return "not UTF-8"
	case e.At < firstMoment || e.At > lastMoment || e.ConnectedAt < 0 || e.StreamAt < 0:
		return "a time out of range"
	case e.ConnectedAt > received.Add(ahead) || e.StreamAt > received.Add(ahead):
		return "created in the future"
	case e.At > max(received.Add(ahead), e.ConnectedAt, e.StreamAt):
		return "at a time in the future"
	case ends && e.At < max(e.ConnectedAt, e.StreamAt):
		return "ended before it began"
	case (e.Stream == "") != (e.StreamAt == 0) || (e.Stream == "") != (e.Kind == ""):
		return "half a stream"
	case (e.Connection == "") != (e.ConnectedAt == 0) || (e.Connection == "" && e.Stream+e.Data != ""):
		return "half a connection"
	}
	return ""
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"connectionCreated", "streamCreated"} {
		body := captured(b, name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(body, 1470300000000); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
