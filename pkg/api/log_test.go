package api

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"usher/pkg/doorkeeper"
	"usher/pkg/journal"
)

// logged are a line with little in it and one with everything.
var logged = []journal.Line{
	{Seq: 1, At: noon, Event: "api", Action: journal.DidPolicy, Actor: "ops", Note: `{"maxSeats":2}`},
	{
		Seq: 2, At: noon + 250, EventAt: noon, Event: "streamCreated", Connection: "c1", Stream: "s1", User: "ann", Role: "teacher",
		Action: journal.DidRefuse, Reason: journal.RoomFull, Because: journal.Proof{Holders: []string{"c0", "promise:bob"}, ReadAt: noon + 125}.Said(),
	},
}

func TestLinesAreShown(t *testing.T) {
	wantJSON(t, showLines(doorkeeper.LinePage{Session: "2_MX4x", Lines: logged, Next: 2}), `{"events":[`+
		`{"seq":1,"at":"2026-12-01T12:00:00.000Z","eventAt":null,"event":"api","connectionId":null,"streamId":null,"user":null,"role":null,`+
		`"action":"policy","reason":"","because":null,"actor":"ops","note":"{\"maxSeats\":2}"},`+
		`{"seq":2,"at":"2026-12-01T12:00:00.250Z","eventAt":"2026-12-01T12:00:00.000Z","event":"streamCreated","connectionId":"c1","streamId":"s1",`+
		`"user":"ann","role":"teacher","action":"refused","reason":"room-full","because":{"holders":["c0","promise:bob"],"readAt":"2026-12-01T12:00:00.125Z"},"actor":null,"note":null}],"sessionId":"2_MX4x","next":2}`)
	wantJSON(t, showLines(doorkeeper.LinePage{}), `{"events":[],"sessionId":null,"next":0}`)
	for _, line := range logged {
		if raw, _ := json.Marshal(showLine(line)); !takenBySchema(t, "Line", string(raw)) {
			t.Errorf("%s is not as described", raw)
		}
	}
}

// What Vonage, a client or an admin wrote into a log is read by people, in
// terminals and files of lines.
func TestLinesAreShownPlain(t *testing.T) {
	const mean, plain = "x\n\x1b[2J\u2028\u202e", `x\n\u001b[2J\u2028\u202e`
	line := showLine(journal.Line{
		Event: mean, Connection: mean, Stream: mean, User: mean, Role: mean, Actor: mean,
		Action: journal.DidNothing, Reason: journal.Reason(mean), Note: journal.Note(mean),
		Because: journal.Proof{Holders: []string{mean}}.Said(),
	})
	for name, got := range map[string]string{
		"event": line.Event, "connection": *line.ConnectionID, "stream": *line.StreamID, "user": *line.User, "role": *line.Role,
		"actor": *line.Actor, "reason": string(line.Reason), "note": string(*line.Note),
		"because": line.Because.Holders[0],
	} {
		if got != plain {
			t.Errorf("the %s is %q, want %q", name, got, plain)
		}
	}
}

// What is shown in pages is read as what it was.
func TestReadLines(t *testing.T) {
	var pages bytes.Buffer
	for _, p := range []doorkeeper.LinePage{{Lines: logged[:1], Next: 1}, {Lines: logged[1:], Next: 2}, {Next: 2}} {
		if err := json.NewEncoder(&pages).Encode(showLines(p)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := ReadLines(&pages); err != nil || !slices.Equal(got, logged) {
		t.Errorf("read %+v, %v", got, err)
	}
}

func TestReadLinesOfSomethingElse(t *testing.T) {
	for _, text := range []string{"<html>", `{"events":[`, `{"events":[{"seq":1,"at":"yesterday"}]}`} {
		if lines, err := ReadLines(strings.NewReader(text)); err == nil {
			t.Errorf("%s was taken for the log %v", text, lines)
		}
	}
}

// TestReadLinesAlone: usher log --json writes lines alone, each with its session.
func TestReadLinesAlone(t *testing.T) {
	const alone = `{"room":"algebra","sessionId":"s1","seq":1,"at":"2026-12-01T17:00:00.000Z","event":"api","action":"policy"}
		{"room":"algebra","sessionId":"s2","seq":1,"at":"2026-12-01T18:00:00.000Z","event":"api","action":"policy"}`
	if lines, err := ReadLines(strings.NewReader(alone)); err != nil || len(lines) != 2 {
		t.Errorf("%v, %v", lines, err)
	}
	if lines, err := ReadLog(strings.NewReader(alone), "s2"); err != nil || len(lines) != 1 || lines[0].At.String() != "2026-12-01T18:00:00.000Z" {
		t.Errorf("%v, %v", lines, err)
	}
}
