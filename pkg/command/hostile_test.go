package command

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// hostile is a text that moves the cursor, turns the line and begins another one.
const hostile = `\u001b[2J` + "\u202e" + `room\ngone\t` + "\u009b"

// TestHostileServer: whatever a server says, each value is plain text in its cell.
func TestHostileServer(t *testing.T) {
	answers := map[string]string{
		"/v1/rooms":                       `{"rooms":[{"room":"H","status":"H","startedAt":"H"}],"next":"x"}`,
		"/v1/rooms/algebra":               `{"room":"H","status":"H","sessionId":"H","policy":{"x":"H"}}`,
		"/v1/rooms/algebra/connections":   `{"connections":[{"id":"H","user":"H","role":"H","state":"H","streams":[{"kind":"H"}]}],"next":"x"}`,
		"/v1/rooms/algebra/bans":          `{"bans":[{"user":"H","note":"H","actor":"H","until":"H"}],"next":"x"}`,
		"/v1/rooms/algebra/lessons":       `{"lessons":[{"sessionId":"H","outcome":"H"}],"next":"x"}`,
		"/v1/rooms/algebra/attendance":    `{"room":"H","users":[{"user":"H","role":"H","firstIn":"H"}]}`,
		"/v1/rooms/algebra/events":        `{"events":[{"seq":1,"at":"2026-12-01T17:00:00.000Z","event":"H","user":"H","action":"H","note":"H"}],"sessionId":"H","next":1}`,
		"/v1/rooms/algebra/extend":        "refused",
		"/v1/rooms/algebra/connections/C": "refused",
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := strings.ReplaceAll(answers[r.URL.Path], `"H"`, `"`+hostile+`"`)
		switch {
		case answer == "refused":
			w.WriteHeader(http.StatusConflict)
			answer = `{"code":"` + hostile + `","detail":"` + hostile + `","field":"` + hostile + `"}`
		case r.URL.Query().Get("after") == "x":
			answer = `{"rooms":[],"connections":[],"bans":[],"lessons":[],"next":"x"}`
		case r.URL.Query().Get("after") == "1":
			answer = `{"events":[],"sessionId":"s","next":1}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	for line, want := range map[string]int{
		"rooms": Done, "room algebra": Done, "bans algebra": Done, "lessons algebra": Done, "attendance algebra": Done,
		"rooms --json": Done, "room algebra --json": Done, "bans algebra --json": Done, "lessons algebra --json": Done,
		"attendance algebra --json": Done, "log algebra --json": Done,
		"log algebra": Done, "replay --room algebra": Done, "extend algebra 5": Refused, "remove algebra C": Refused,
	} {
		t.Run(line, func(t *testing.T) {
			status, said := at(t, server.URL, line)
			if status != want || !strings.Contains(said, `\u001b[2J\u202eroom\ngone\t\u009b`) || strings.ContainsAny(said, "\x1b\u202e\u009b\t") {
				t.Errorf("status %d: %q", status, said)
			}
		})
	}
}

// TestStranger: what is neither a table nor a picture of Usher's is not printed as one.
func TestStranger(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<html>\x1b[2J")
	}))
	defer server.Close()
	for _, format := range []string{"", " --json", " --csv", " --svg"} {
		status, said := at(t, server.URL, "attendance algebra"+format)
		if status != Failed || !strings.Contains(said, "is not Usher's") || strings.Contains(said, "html") {
			t.Errorf("attendance%s: status %d: %q", format, status, said)
		}
	}
}

// at runs a command line against a server and gives all that it said.
func at(t *testing.T, url, line string) (int, string) {
	t.Helper()
	var said strings.Builder
	vars := map[string]string{"USHER_URL": url, "USHER_ADMIN_TOKEN": "a.b.c", "USHER_DATA": t.TempDir() + "/usher.db"}
	p := Program{
		Lookup: func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
		In:     strings.NewReader(""), Out: &said, Err: &said,
		Serve: func(context.Context, io.Writer, io.Writer) error { return nil },
	}
	return p.Run(t.Context(), strings.Fields(line)), said.String()
}
