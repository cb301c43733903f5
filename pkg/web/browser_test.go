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
	"usher/pkg/problem"
)

// stage serves the pages over a stub, beside a driven stand-in for the
// platform's script and a join and a list that answer as they are told.
type stage struct {
	*httptest.Server
	stub stub

	mu      sync.Mutex
	answers []string // of join, in turn; the last one stays: "status Retry-After body"
	tickets []string // that join was called with
	date    string   // the time that it says it is; "": it does not say
	missing int      // how often the platform's script is not there
}

func newStage(t *testing.T) *stage {
	s := &stage{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/rooms/maths/join", s.join)
	mux.HandleFunc("GET /v1/rooms", s.list)
	mux.HandleFunc("GET /opentok.js", s.script)
	mux.HandleFunc("GET /healthz", s.health)
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

func (s *stage) script(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.missing--; s.missing >= 0 {
		http.NotFound(w, r)
		return
	}
	http.ServeFile(w, r, "testdata/opentok.js")
}

func (s *stage) health(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header()["Date"] = nil
	if s.date != "" {
		w.Header().Set("Date", s.date)
	}
	_, _ = w.Write([]byte("{}"))
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
	state  = `document.getElementById("status").dataset.state`
	text   = `document.getElementById("status").textContent`
	asked  = `window.asked.join("; ")`
	news   = `[...document.querySelectorAll("#log li span")].map((li) => li.textContent).join(" / ")`
	said   = `document.getElementById("said").textContent`
	digits = `document.getElementById("clock").hidden ? "none" : document.getElementById("digits").textContent`
	left   = `document.getElementById("left").textContent`
	names  = `[...document.querySelectorAll("#list bdi, #list li > span:not(:has(bdi)):not(.soft)")].map((e) => e.textContent).join(", ")`

	connected = "initSession 46000 2_MX4x; connect; initPublisher; publish"
)

// signal fires one in the page; from is JSON, null where the server sent it.
func signal(b browsertest.Tab, name, from, data string) {
	b.T.Helper()
	quoted, _ := json.Marshal(data)
	b.Eval(fmt.Sprintf(`fire("signal:usher-%s", {from: %s, data: %s}); ""`, name, from, quoted))
}

func fire(b browsertest.Tab, name, event string) {
	b.T.Helper()
	b.Eval(fmt.Sprintf(`fire(%q, %s); ""`, name, event))
}

func click(b browsertest.Tab, id string) {
	b.T.Helper()
	b.Eval(fmt.Sprintf(`document.getElementById(%q).click(); ""`, id))
}

func TestRoomPage(t *testing.T) {
	browser := browsertest.Start(t)
	stage := newStage(t)
	open := func(t *testing.T, query, want string) browsertest.Tab {
		b := browser.Visitor(t)
		b.Open(stage.URL+"/room/maths"+query).Want(state, want)
		t.Cleanup(b.Close)
		return b
	}
	visit := func(t *testing.T) browsertest.Tab {
		b := open(t, "", "connected")
		b.Want(asked, connected)
		return b
	}
	t.Run("credentials reach the platform as they are", func(t *testing.T) {
		visit(t).Want(`window.token`, stage.stub.admission.Token)
	})
	t.Run("others are shown", func(t *testing.T) {
		b := visit(t)
		fire(b, "streamCreated", `{stream: {streamId: "theirs", connection: {connectionId: "c2", data: ""}}}`)
		b.Want(asked, connected+"; subscribe theirs")
	})
	t.Run("names are text", func(t *testing.T) {
		b := visit(t)
		for i, name := range []string{
			`<img src=x onerror=document.title='run'>`, `\u202e\u0000  \n`, strings.Repeat("x", 100), `\u05d0\u05d1\u05d2`, `{name}`,
			`\u0639\u0644\u06cc\u200c\u0631\u0636\u0627`, `\ud83d\udc69\u200d\ud83d\ude80`, `a\u200d \u200c\u200c`,
		} {
			data := fmt.Sprintf(`{"usher":"x","data":{"name":"%s"}}`, name)
			fire(b, "connectionCreated", fmt.Sprintf(`{connection: {connectionId: "c%d", data: %q}}`, i, data))
		}
		for i, data := range []string{``, `alice`, `{"data":{"name":7}}`, `{"data":null}`, `null`} {
			fire(b, "connectionCreated", fmt.Sprintf(`{connection: {connectionId: "d%d", data: %q}}`, i, data))
		}
		fire(b, "connectionCreated", `{connection: {connectionId: "me", data: ""}}`)
		b.Want(names, "Ada, <img src=x onerror=document.title='run'>, Participant, "+strings.Repeat("x", 39)+"…, אבג, {name}, "+
			"\u0639\u0644\u06cc\u200c\u0631\u0636\u0627, \U0001f469\u200d\U0001f680, a"+strings.Repeat(", Participant", 5))
		b.Want(`document.title`, "maths")
		b.Want(`document.getElementById("count").textContent`, "14")
		fire(b, "connectionDestroyed", `{connection: {connectionId: "c0"}}`)
		b.Want(`document.getElementById("count").textContent`, "13")
	})
	t.Run("a crowd", func(t *testing.T) {
		b := visit(t)
		b.Eval(`for (let i = 0; i < 300; i++) fire("connectionCreated", {connection: {connectionId: "c" + i, data: ""}}); ""`)
		b.Want(`document.getElementById("count").textContent`, "301")
		b.Want(`document.getElementById("more").textContent`, "and 100 more")
		b.Want(`String([...document.querySelectorAll(".tile")].filter((tile) => tile.offsetParent).length)`, "1")
		b.Axe()
	})
	t.Run("the end, then the disconnect", func(t *testing.T) {
		b := visit(t)
		signal(b, "ended", "null", `{"id":"1","reason":"completed"}`)
		fire(b, "sessionDisconnected", `{reason: "forceDisconnected"}`)
		b.Want(state, "ended")
		b.Want(`String(/^The lesson is overIts time is up. You were in for \d+ seconds?. You may close this page now.$/.test(`+text+`))`, "true")
	})
	sent := visit(t) // and again and again
	for reason, want := range map[string]string{
		"": "disconnected", "admin": "asked-to-leave", "removed": "removed", "duplicate-user": "duplicate", "lesson-over": "lesson-over",
		"not-allowed": "not-allowed", "no-ticket": "not-allowed", "room-full": "room-full", "too-early": "room-full",
		"screen-not-allowed": "stream-not-allowed", "new": "disconnected",
	} {
		t.Run("disconnected: "+reason, func(t *testing.T) {
			b := sent
			b.T = t
			b.Open(stage.URL+"/room/maths").Want(asked, connected)
			if reason != "" {
				signal(b, "refused", "null", `{"id":"1","reason":"`+reason+`"}`)
			}
			fire(b, "sessionDisconnected", `{reason: "forceDisconnected"}`)
			b.Want(state, want)
			b.Want(`window.asked.at(-1)`, "destroy")
		})
	}
	t.Run("what peers say is ignored", func(t *testing.T) {
		b := visit(t)
		for _, from := range []string{`{connectionId: "c2"}`, `{}`, `undefined`, `""`} {
			signal(b, "ended", from, `{"id":"1","reason":"completed"}`)
			signal(b, "unpublish", from, `{"id":"2","streamId":"my camera","kind":"camera"}`)
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
		b.Eval(`window.alerts = 0; new MutationObserver(() => window.alerts++).observe(document.getElementById("said"), {childList: true}); ""`)
		signal(b, "warning", "null", `{"id":"w","secondsLeft":60,"endsAt":"2026-12-01T12:01:00.000Z"}`)
		signal(b, "warning", "null", `{"id":"w","secondsLeft":60,"endsAt":"2026-12-01T12:01:00.000Z"}`)
		b.Want(said, "The lesson ends in 60 seconds.")
		b.Want(`String(window.alerts)`, "1")
	})
	t.Run("asked to stop publishing", func(t *testing.T) {
		b := visit(t)
		signal(b, "unpublish", "null", `{"id":"1","streamId":"another","kind":"screen"}`)
		b.Want(asked, connected)
		b.Eval(`document.getElementById("camera").focus(); ""`)
		signal(b, "unpublish", "null", `{"id":"2","streamId":"my camera","kind":"camera"}`)
		b.Want(asked, connected+"; unpublish camera")
		b.Want(said, "Your camera was switched off: you may not show it in this room.")
		b.Want(`document.getElementById("camera").ariaDisabled`, "true")
		b.Want(`document.activeElement.id`, "camera")
		b.Keys("\r").Want(asked, connected+"; unpublish camera")
		b.Want(state, "connected")
		click(b, "microphone")
		b.Want(asked, connected+"; unpublish camera; initPublisher; publish")
		signal(b, "unpublish", "null", `{"id":"3","streamId":"my audio","kind":"audio"}`)
		b.Want(`window.asked.at(-1)`, "unpublish audio")
	})
	t.Run("sound and picture are switched off and on", func(t *testing.T) {
		b := visit(t)
		for _, id := range []string{"microphone", "camera", "camera", "screen"} {
			click(b, id)
		}
		b.Want(asked, connected+"; publishAudio false; publishVideo false; publishVideo true; initPublisher; publish")
		b.Want(`[...document.querySelectorAll("#tools span")].map((e) => e.textContent).join(", ")`, "Unmute, Camera off, Stop sharing, Leave")
		b.Eval(`fireOwn("mediaStopped", {}); ""`)
		b.Want(`window.asked.at(-1)`, "unpublish screen")
		b.Want(`document.getElementById("screen").textContent`, "Share screen")
	})
	t.Run("a ticket that lets nobody publish", func(t *testing.T) {
		b := open(t, "?listens", "connected")
		b.Want(asked, "initSession 46000 2_MX4x; connect")
		b.Want(said, "You watch and listen here: your ticket does not let you show or say anything.")
	})
	for name, want := range map[string]string{
		"OT_USER_MEDIA_ACCESS_DENIED": "Nobody sees or hears you: the browser does not let this page use your camera and microphone. " +
			"Allow it beside the address, then switch the camera on below.",
		"OT_NO_DEVICES_FOUND": "Nobody sees or hears you: no camera or microphone was found, or another program uses it.",
		"OT_NEW":              "Nobody sees or hears you: broken",
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t, "?broken=publish,initPublisher&error="+name, "connected")
			b.Want(said, want)
			b.Want(`document.getElementById("camera").textContent`, "Camera on")
		})
	}
	t.Run("not connected", func(t *testing.T) {
		open(t, "?broken=connect", "failed").Want(text, "You could not be connectedThe video service said: broken This page tries again by itself.")
	})
	t.Run("goodbye", func(t *testing.T) {
		b := visit(t)
		b.Eval(`document.getElementById("leave").focus(); ""`)
		b.Keys("\r").Want(state, "left")
		b.Want(`document.activeElement.id`, "heading")
		b.Want(`document.title`, "Goodbye · maths")
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
		t.Cleanup(b.Close)
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
	t.Run("the platform's script never sees the ticket", func(t *testing.T) {
		_, b := enter(t, "#ticket=abc", good)
		b.Want(state, "connected")
		b.Want(`window.seenByTheScript`, b.Eval(`location.href`))
	})
	t.Run("no ticket, then one", func(t *testing.T) {
		stage, b := enter(t, "", good)
		b.Want(state, "no-ticket")
		b.Open(stage.URL+"/room/maths#ticket=abc").Want(state, "connected")
	})
	t.Run("full, then not", func(t *testing.T) {
		_, b := enter(t, "#ticket=abc", `409 1 {"code":"room-full"}`, good)
		b.Want(state, "connected")
		b.Want(news, "You are in: The lesson begins when everybody who is needed is here. / "+
			"The room is full: All seats are taken. This page tries again by itself, and you come in as soon as a seat is free.")
	})
	t.Run("lost, then back", func(t *testing.T) {
		stage, b := enter(t, "#ticket=abc", good, `409 0 {"code":"duplicate-user"}`, good)
		b.Want(state, "connected")
		b.Eval(`window.asked.length = 0; ""`)
		fire(b, "sessionDisconnected", `{reason: "networkDisconnected"}`)
		b.Want(state, "connected")
		b.Want(asked, "destroy; "+connected)
		stage.mu.Lock()
		defer stage.mu.Unlock()
		if n := len(stage.tickets); n != 3 {
			t.Errorf("%d joins", n)
		}
	})
	for answer, want := range map[string]string{
		`403 0 {"code":"removed"}`:     "You may not come back.",
		`403 3600 {"code":"removed"}`:  "You may come back at ",
		`503 0 {"code":"unavailable"}`: "You may not come back.",
		good:                           "You may come back in here.",
	} {
		t.Run("banned, "+answer, func(t *testing.T) {
			_, b := enter(t, "#ticket=abc", good, answer)
			b.Want(state, "connected")
			signal(b, "refused", "null", `{"id":"1","reason":"removed"}`)
			fire(b, "sessionDisconnected", `{reason: "forceDisconnected"}`)
			b.Want(fmt.Sprintf(`String(document.getElementById("text").textContent.includes(%q))`, want), "true")
		})
	}
	t.Run("no such room", func(t *testing.T) {
		stage, b := enter(t, "", good)
		stage.stub.err = &problem.Details{Code: problem.NoSuchRoom}
		b.Open("about:blank").Open(stage.URL+"/room/maths#ticket=abc").Want(`document.querySelector("h1").textContent`, "There is no such room")
		b.Want(`location.href`, stage.URL+"/room/maths")
	})
	stage, b := enter(t, "", good)
	for answer, want := range map[string]string{
		`410 0 {"code":"lesson-over"}`:          "lesson-over",
		`404 0 {"code":"no-such-room"}`:         "no-such-room",
		`401 0 {"code":"unauthorized"}`:         "bad-ticket",
		`403 0 {"code":"wrong-scope"}`:          "bad-ticket",
		`403 0 {"code":"wrong-room"}`:           "wrong-room",
		`403 0 {"code":"not-allowed"}`:          "not-allowed",
		`403 0 {"code":"removed"}`:              "removed",
		`403 3600 {"code":"removed"}`:           "removed",
		`403 3600 {"code":"too-early"}`:         "too-early",
		`409 0 {"code":"duplicate-user"}`:       "in-already",
		`409 9 {"code":"duplicate-user"}`:       "in-already",
		`403 0 {"code":"new","detail":"no"}`:    "refused",
		`409 9 {"code":"room-full"}`:            "room-full",
		`429 9 {"code":"too-many-requests"}`:    "busy",
		`503 9 {"code":"unavailable"}`:          "unavailable",
		`502 9 <html>`:                          "unavailable",
		`500 0 {"message":"Down"}`:              "unavailable",
		`500 0 {"code":"new"}`:                  "unavailable",
		`429 9 {"message":"Busy"}`:              "busy",
		`200 0 {}`:                              "unavailable",
		`503 9 {"code":"platform-unavailable"}`: "unavailable",
	} {
		t.Run(answer, func(t *testing.T) {
			b := b
			b.T = t
			stage.mu.Lock()
			stage.answers = []string{answer}
			stage.mu.Unlock()
			b.Open("about:blank").Open(stage.URL + "/room/maths#ticket=abc")
			b.Want(state, want)
			again := strings.Fields(answer)[1] != "0" || want == "unavailable"
			b.Want(`String(!document.getElementById("next").hidden)`, fmt.Sprint(again))
			b.Want(`String(document.getElementById("text").textContent.includes("{"))`, "false")
		})
	}
}

// clocks stops both clocks of a page; turned is how far the test has turned them,
// in milliseconds. The one on the wall is a day late.
const clocks = `
	const steady = performance.now.bind(performance), Real = Date;
	const held = steady();
	window.turned = {steady: 0, wall: -93600000};
	performance.now = () => held + turned.steady;
	window.Date = class extends Real { constructor(...all) { super(...(all.length ? all : [Date.now()])); } };
	Date.now = () => 1796126400000 + turned.wall;`

// pass turns them by seconds.
func pass(b browsertest.Tab, steady, wall int) {
	b.T.Helper()
	b.Eval(fmt.Sprintf(`turned.steady += %d; turned.wall += %d; ""`, steady*1000, wall*1000))
}

// Tries come with gaps that grow, up to a minute, and never sooner than the server
// said.
func TestGrowingGaps(t *testing.T) {
	stage := newStage(t)
	stage.stub.err = doorkeeper.ErrTicketOnly
	stage.answers = []string{`503 0 {"code":"unavailable"}`}
	b := browsertest.Start(t).Visitor(t).Before(clocks + `Math.random = () => 0;
		window.joins = 0; const ask = fetch; window.fetch = (...all) => { joins++; return ask(...all); };`)
	b.Open(stage.URL + "/room/maths#ticket=abc")
	// While a try is under way there is no next one, and its text, from before, is hidden.
	const next = `document.getElementById("next").hidden ? "" : document.getElementById("next").textContent`
	b.Want(next, "Next try in 1 second.")
	for i, gap := range []int{2, 4, 8, 16, 32, 60, 60} {
		pass(b, gap, gap)
		b.Want(`String(joins)`, fmt.Sprint(i+2))
		b.Want(next, fmt.Sprintf("Next try in %d seconds.", gap))
	}
	stage.mu.Lock()
	stage.answers = []string{`503 75 {"code":"unavailable"}`}
	stage.mu.Unlock()
	b.Eval(`document.getElementById("try").focus(); ""`)
	b.Keys("\r").Want(next, "Next try in 75 seconds.")
	b.Want(`document.activeElement.id`, "try")
	pass(b, 0, 75) // the machine slept
	b.Want(`String(joins)`, "10")
}

// The countdown goes by the server's clock, whatever the visitor's says, and by
// what has passed, also while the machine slept: the test turns both of the
// page's clocks.
func TestCountdown(t *testing.T) {
	browser := browsertest.Start(t)
	stage := newStage(t)
	stage.stub.err = doorkeeper.ErrTicketOnly
	open := func(t *testing.T, clock string) browsertest.Tab {
		stage.answers = []string{`200 0 {"apiKey":"46000","sessionId":"2_MX4x","token":"t","now":"2026-12-01T12:00:00.000Z",` + clock + `}`}
		b := browser.Visitor(t)
		t.Cleanup(b.Close)
		b.Before(clocks).Open(stage.URL+"/room/maths#ticket=abc").Want(state, "connected")
		return b
	}
	const running = `"startedAt":"2026-12-01T11:50:00.000Z","endsAt":"2026-12-01T12:50:00.000Z","secondsLeft":3000`
	t.Run("a wrong clock", func(t *testing.T) {
		b := open(t, running)
		b.Want(digits, "50:00")
		b.Want(text, "You are inThe lesson is running.")
		b.Want(`String(document.querySelector("#log time").textContent === new Date("2026-12-01T12:00:00Z").toLocaleTimeString(undefined,
			{hour: "numeric", minute: "2-digit"}))`, "true")
		pass(b, 1, 1)
		b.Want(digits, "49:59")
		b.Want(`document.getElementById("time").getAttribute("role") + document.getElementById("time").ariaLive`, "timernull")
	})
	t.Run("over an hour, then a minute, then none", func(t *testing.T) {
		b := open(t, `"startedAt":"2026-12-01T12:00:00.000Z","endsAt":"2026-12-01T13:01:05.000Z","secondsLeft":3665`)
		b.Want(digits, "1:01:05")
		pass(b, 3606, 3606)
		b.Want(digits, "0:59")
		b.Want(`document.getElementById("clock").dataset.left`, "last")
		pass(b, 90, 90)
		b.Want(digits, "0:00")
		b.Want(left, "the time is up")
	})
	t.Run("a machine that slept", func(t *testing.T) {
		b := open(t, running)
		b.Want(digits, "50:00")
		pass(b, 0, 600)
		b.Want(digits, "40:00")
	})
	t.Run("a clock that somebody set", func(t *testing.T) {
		b := open(t, running)
		b.Want(digits, "50:00")
		stage.mu.Lock()
		stage.date = "Tue, 01 Dec 2026 12:00:01 GMT"
		stage.mu.Unlock()
		pass(b, 1, 7200)
		b.Want(digits, "49:59")
		pass(b, 1, -7200)
		b.Want(digits, "49:58")
	})
	t.Run("the end is told in true time", func(t *testing.T) {
		b := open(t, running)
		b.Want(`String(document.getElementById("left").textContent === "left, until " + new Date("2026-12-01T12:50:00Z").toLocaleString(undefined,
			{weekday: "short", day: "numeric", month: "short", hour: "numeric", minute: "2-digit"}))`, "true")
	})
	t.Run("paused, resumed, extended", func(t *testing.T) {
		b := open(t, running)
		signal(b, "paused", "null", `{"id":"1","secondsLeft":3000}`)
		pass(b, 30, 30)
		b.Want(left, "left, the clock stands still")
		b.Want(digits, "50:00")
		b.Want(text, "You are inThe clock stands still until everybody who is needed is back.")
		signal(b, "resumed", "null", `{"id":"2","secondsLeft":3000,"endsAt":"2026-12-01T12:50:30.000Z"}`)
		b.Want(digits, "50:00")
		b.Want(text, "You are inThe clock counts on.")
		signal(b, "extended", "null", `{"id":"3","secondsLeft":3600,"endsAt":"2026-12-01T13:00:30.000Z"}`)
		b.Want(digits, "1:00:00")
		b.Want(`String(`+said+`.startsWith("The end was moved: 1 hour left, until "))`, "true")
	})
	t.Run("extended while it is paused", func(t *testing.T) {
		b := open(t, running)
		signal(b, "paused", "null", `{"id":"1","secondsLeft":3000}`)
		signal(b, "extended", "null", `{"id":"2","secondsLeft":3600,"endsAt":null}`)
		b.Want(digits, "1:00:00")
		b.Want(left, "left, the clock stands still")
		b.Want(said, "The end was moved: 1 hour left once the clock counts on.")
	})
	t.Run("a script that came late", func(t *testing.T) {
		stage := newStage(t)
		stage.missing = 1
		stage.stub.admission.Now, stage.stub.admission.StartedAt = 1_796_126_400_000, 1_796_126_400_000-600_000
		stage.stub.admission.EndsAt = 1_796_126_400_000 + 3_000_000
		b := browser.Visitor(t)
		t.Cleanup(b.Close)
		b.Before(clocks).Open(stage.URL+"/room/maths").Want(state, "no-script")
		pass(b, 30, 30)
		b.Want(state, "connected")
		b.Want(digits, "49:30")
	})
	t.Run("loaded while it is paused", func(t *testing.T) {
		b := open(t, `"startedAt":"2026-12-01T11:50:00.000Z","endsAt":null,"secondsLeft":1234`)
		b.Want(digits, "20:34")
		b.Want(text, "You are inThe clock stands still until everybody who is needed is back.")
	})
	t.Run("not started, closing", func(t *testing.T) {
		b := open(t, `"startedAt":null,"endsAt":"2026-12-01T12:10:00.000Z","secondsLeft":600,"closesAt":"2026-12-01T12:10:00.000Z"`)
		b.Want(digits, "10:00")
		b.Want(`String(document.getElementById("left").textContent.startsWith("until the room closes at "))`, "true")
	})
	t.Run("no end", func(t *testing.T) {
		b := open(t, `"startedAt":"2026-12-01T11:50:00.000Z","endsAt":null,"secondsLeft":null`)
		b.Want(text, "You are inThe lesson is running.")
		b.Want(digits, "none")
	})
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

// A script that is not loaded is tried again, and said.
func TestThePlatformsScriptIsTriedAgain(t *testing.T) {
	stage := newStage(t)
	stage.missing = 1
	b := browsertest.Start(t).Visitor(t).Open(stage.URL + "/room/maths")
	b.Want(state, "connected")
	b.Want(`String(`+news+`.includes("The video could not be loaded"))`, "true")
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
		for _, token := range []string{`"\ud83e\udd86"`, `"x".repeat(20000)`} {
			b.Eval(`document.getElementById("token").value = ` + token + `; document.querySelector("#enter button").click(); ""`)
			b.Want(state, "refused")
			b.Want(`document.getElementById("status").textContent`, "The token is not good.")
		}
	})
}
