//go:build verify

package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"usher/pkg/api"
	"usher/pkg/browsertest"
	"usher/pkg/doorkeeper"
	"usher/pkg/journal"
)

// stage serves the pages over a stub, beside a driven stand-in for the
// platform's script and a join and a list that answer as they are told.
type stage struct {
	*httptest.Server
	stub stub

	mu      sync.Mutex
	answers []string // of join, in turn; the last one stays: "status Retry-After body"
	tickets []string // that join was called with
}

func newStage(t *testing.T) *stage {
	s := &stage{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/rooms/maths/join", s.join)
	mux.HandleFunc("GET /v1/rooms", s.list)
	mux.HandleFunc("GET /opentok.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "testdata/opentok.js") })
	mux.Handle("/", newSiteOf(&s.stub, "/opentok.js", false))
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *stage) join(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tickets = append(s.tickets, r.Header.Get("Authorization"))
	var status int
	var after, body string
	_, _ = fmt.Sscan(s.answers[0], &status, &after, &body)
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	w.Header().Set("Retry-After", after)
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func (s *stage) list(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer good" {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"detail":"the token is not good"}`))
		return
	}
	page := map[string][]api.Summary{"rooms": {{Room: `<img src=x onerror="document.title='run'">`, Status: journal.Open}}}
	_ = json.NewEncoder(w).Encode(page)
}

const (
	state = `document.getElementById("status").dataset.state`
	asked = `window.asked.join("; ")`
	log   = `[...document.querySelectorAll("#log li")].map((li) => li.textContent.replace(/^.*?  /, "")).join(" / ")`
	clock = `document.getElementById("time").hidden ? "none" : "shown"`

	connected = "initSession 46000 2_MX4x; connect; initPublisher; publish"
)

// signal fires one in the page; from is JSON, null where the server sent it.
func signal(b browsertest.Tab, name, from, data string) {
	b.T.Helper()
	quoted, _ := json.Marshal(data)
	b.Eval(fmt.Sprintf(`fire("signal:usher-%s", {from: %s, data: %s}); ""`, name, from, quoted))
}

func TestRoomPage(t *testing.T) {
	browser := browsertest.Start(t)
	stage := newStage(t)
	visit := func(t *testing.T) browsertest.Tab {
		b := browser.Visitor(t)
		b.Open(stage.URL+"/room/maths").Want(state, "connected")
		b.Want(asked, connected)
		return b
	}
	t.Run("credentials reach the platform as they are", func(t *testing.T) {
		visit(t).Want(`window.token`, stage.stub.admission.Token)
	})
	t.Run("others are shown", func(t *testing.T) {
		b := visit(t)
		b.Eval(`fire("streamCreated", {stream: {streamId: "theirs"}}); ""`)
		b.Want(asked, connected+"; subscribe theirs people")
	})
	t.Run("the end, then the disconnect", func(t *testing.T) {
		b := visit(t)
		signal(b, "ended", "null", `{"id":"1","reason":"completed"}`)
		b.Eval(`fire("sessionDisconnected", {reason: "forceDisconnected"}); ""`)
		b.Want(state, "ended")
		b.Want(log, "The lesson is over. Its time is up. / You are in. / Connecting …")
	})
	t.Run("disconnected by the doorkeeper", func(t *testing.T) {
		b := visit(t)
		b.Eval(`fire("sessionDisconnected", {reason: "forceDisconnected"}); ""`)
		b.Want(state, "disconnected")
	})
	t.Run("what peers say is ignored", func(t *testing.T) {
		b := visit(t)
		for _, from := range []string{`{connectionId: "c2"}`, `{}`, `undefined`, `""`} {
			signal(b, "ended", from, `{"id":"1","reason":"completed"}`)
			signal(b, "unpublish", from, `{"id":"2","streamId":"mine","kind":"camera"}`)
		}
		b.Want(state, "connected")
		b.Want(asked, connected)
	})
	t.Run("what says nothing is ignored", func(t *testing.T) {
		b := visit(t)
		for _, data := range []string{``, `{`, `null`, `7`, `[]`, `{"reason":"completed"}`, `{"id":7,"reason":"completed"}`} {
			signal(b, "ended", "null", data)
		}
		b.Want(state, "connected")
	})
	t.Run("what was said before is ignored", func(t *testing.T) {
		b := visit(t)
		signal(b, "warning", "null", `{"id":"w","secondsLeft":60,"endsAt":"2026-12-01T12:01:00.000Z"}`)
		signal(b, "warning", "null", `{"id":"w","secondsLeft":60,"endsAt":"2026-12-01T12:01:00.000Z"}`)
		signal(b, "extended", "null", `{"id":"x","secondsLeft":600,"endsAt":"2026-12-01T12:10:00.000Z"}`)
		b.Want(log, "The end was moved: 10 minutes left. / The lesson ends in 60 seconds. / You are in. / Connecting …")
		b.Want(clock, "shown")
	})
	t.Run("asked to stop publishing", func(t *testing.T) {
		b := visit(t)
		signal(b, "unpublish", "null", `{"id":"1","streamId":"another","kind":"screen"}`)
		b.Want(asked, connected)
		signal(b, "unpublish", "null", `{"id":"2","streamId":"mine","kind":"screen"}`)
		b.Want(asked, connected+"; unpublish")
		b.Want(state, "connected")
	})
	t.Run("no camera", func(t *testing.T) {
		b := browser.Visitor(t)
		b.Open(stage.URL + "/room/maths?broken=publish,initPublisher")
		b.Want(state, "connected")
		b.Want(log, "You are in, but nobody sees or hears you: broken / You are in. / Connecting …")
	})
	t.Run("not connected", func(t *testing.T) {
		b := browser.Visitor(t)
		b.Open(stage.URL + "/room/maths?broken=connect")
		b.Want(state, "failed")
	})
}

func TestTicketPage(t *testing.T) {
	browser := browsertest.Start(t)
	good := `200 0 {"apiKey":"46000","sessionId":"2_MX4x","token":"t","expiresAt":"x"}`
	enter := func(t *testing.T, fragment string, answers ...string) (*stage, browsertest.Tab) {
		stage := newStage(t)
		stage.stub.err = doorkeeper.ErrTicketOnly
		stage.answers = answers
		b := browser.Visitor(t)
		return stage, b.Open(stage.URL + "/room/maths" + fragment)
	}
	t.Run("a good ticket", func(t *testing.T) {
		stage, b := enter(t, "#ticket=abc", good)
		b.Want(state, "connected")
		b.Want(`location.href`, stage.URL+"/room/maths")
		stage.mu.Lock()
		defer stage.mu.Unlock()
		if got := strings.Join(stage.tickets, " "); got != "Bearer abc" {
			t.Errorf("join was called with %q", got)
		}
	})
	t.Run("no ticket, then one", func(t *testing.T) {
		stage, b := enter(t, "", good)
		b.Want(state, "no-ticket")
		b.Open(stage.URL+"/room/maths#ticket=abc").Want(state, "connected")
	})
	t.Run("full, then not", func(t *testing.T) {
		_, b := enter(t, "#ticket=abc", `409 1 {"code":"room-full"}`, good)
		b.Want(state, "connected")
		b.Want(log, "You are in. / Connecting … / The room is full. This page tries again by itself.")
	})
	for answer, want := range map[string]string{
		`410 0 {"code":"lesson-over"}`:          "lesson-over",
		`404 0 {"code":"no-such-room"}`:         "no-such-room",
		`401 0 {"code":"unauthorized"}`:         "refused",
		`403 0 {"code":"wrong-room"}`:           "refused",
		`403 0 {"code":"new","detail":"no"}`:    "refused",
		`409 9 {"code":"room-full"}`:            "room-full",
		`503 9 {"code":"unavailable"}`:          "unavailable",
		`502 9 <html>`:                          "unavailable",
		`503 9 {"code":"platform-unavailable"}`: "unavailable",
	} {
		t.Run(answer, func(t *testing.T) {
			_, b := enter(t, "#ticket=abc", answer)
			b.Want(state, want)
		})
	}
}

func TestPrefetchedPageAsksAgain(t *testing.T) {
	stage := newStage(t)
	first := true
	pages := stage.Config.Handler
	stage.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/room/") && first {
			first = false
			r.Header.Set("Sec-Purpose", "prefetch")
		}
		pages.ServeHTTP(w, r)
	})
	browsertest.Start(t).Visitor(t).Open(stage.URL+"/room/maths").Want(state, "connected")
	if stage.stub.visits != 1 {
		t.Errorf("%d visits", stage.stub.visits)
	}
}

func TestConsolePage(t *testing.T) {
	browser := browsertest.Start(t)
	stage := newStage(t)
	t.Run("a token in the fragment", func(t *testing.T) {
		b := browser.Visitor(t)
		b.Open(stage.URL+"/#token=good").Want(state, "listed")
		b.Want(`location.href`, stage.URL+"/")
		b.Want(`document.querySelector("#rooms tbody button").textContent`, `<img src=x onerror="document.title='run'">`)
		b.Want(`document.title`, "Usher")
		b.Eval(`document.getElementById("forget").click(); ""`)
		b.Want(state, "idle")
		b.Want(`String(document.getElementById("rooms"))`, "null")
	})
	t.Run("a token that is typed", func(t *testing.T) {
		b := browser.Visitor(t)
		b.Open(stage.URL + "/")
		b.Eval(`document.getElementById("token").value = "bad"; document.querySelector("#enter button").click(); ""`)
		b.Want(state, "refused")
		b.Want(`document.getElementById("status").textContent`, "That did not work: the token is not good")
	})
}
