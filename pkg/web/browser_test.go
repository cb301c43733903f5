//go:build verify

package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"usher/pkg/api"
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

// tab is a page in a browser.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func browse(t *testing.T) func() tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU)
	for _, name := range []string{"disable-quic", "disable-component-update", "disable-background-networking", "disable-sync"} {
		options = append(options, chromedp.Flag(name, true))
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	browser, stop := chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("no browser: %v", err)
	}
	return func() tab {
		ctx, stop := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
		t.Cleanup(stop)
		return tab{t, ctx}
	}
}

func (b tab) open(url string) tab {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Navigate(url)); err != nil {
		b.t.Fatal(err)
	}
	return b
}

func (b tab) eval(script string) string {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](script))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return v
}

// want waits until the expression has the value, on a slow machine for minutes.
func (b tab) want(expression, value string) {
	b.t.Helper()
	got := ""
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); {
		if got = b.eval(expression); got == value {
			return
		}
		_ = chromedp.Do(b.ctx, chromedp.Sleep(20*time.Millisecond))
	}
	b.t.Fatalf("%s is %q, want %q", expression, got, value)
}

const (
	state = `document.getElementById("status").dataset.state`
	asked = `window.asked.join("; ")`
	log   = `[...document.querySelectorAll("#log li")].map((li) => li.textContent.replace(/^.*?  /, "")).join(" / ")`
	clock = `document.getElementById("time").hidden ? "none" : "shown"`

	connected = "initSession 46000 2_MX4x; connect; initPublisher; publish"
)

// signal fires one in the page; from is JSON, null where the server sent it.
func (b tab) signal(name, from, data string) {
	b.t.Helper()
	quoted, _ := json.Marshal(data)
	b.eval(fmt.Sprintf(`fire("signal:usher-%s", {from: %s, data: %s}); ""`, name, from, quoted))
}

func TestRoomPage(t *testing.T) {
	open := browse(t)
	stage := newStage(t)
	visit := func(t *testing.T) tab {
		b := open()
		b.t = t
		b.open(stage.URL+"/room/maths").want(state, "connected")
		b.want(asked, connected)
		return b
	}
	t.Run("credentials reach the platform as they are", func(t *testing.T) {
		visit(t).want(`window.token`, stage.stub.admission.Token)
	})
	t.Run("others are shown", func(t *testing.T) {
		b := visit(t)
		b.eval(`fire("streamCreated", {stream: {streamId: "theirs"}}); ""`)
		b.want(asked, connected+"; subscribe theirs people")
	})
	t.Run("the end, then the disconnect", func(t *testing.T) {
		b := visit(t)
		b.signal("ended", "null", `{"id":"1","reason":"completed"}`)
		b.eval(`fire("sessionDisconnected", {reason: "forceDisconnected"}); ""`)
		b.want(state, "ended")
		b.want(log, "The lesson is over. Its time is up. / You are in. / Connecting …")
	})
	t.Run("disconnected by the doorkeeper", func(t *testing.T) {
		b := visit(t)
		b.eval(`fire("sessionDisconnected", {reason: "forceDisconnected"}); ""`)
		b.want(state, "disconnected")
	})
	t.Run("what peers say is ignored", func(t *testing.T) {
		b := visit(t)
		for _, from := range []string{`{connectionId: "c2"}`, `{}`, `undefined`, `""`} {
			b.signal("ended", from, `{"id":"1","reason":"completed"}`)
			b.signal("unpublish", from, `{"id":"2","streamId":"mine","kind":"camera"}`)
		}
		b.want(state, "connected")
		b.want(asked, connected)
	})
	t.Run("what says nothing is ignored", func(t *testing.T) {
		b := visit(t)
		for _, data := range []string{``, `{`, `null`, `7`, `[]`, `{"reason":"completed"}`, `{"id":7,"reason":"completed"}`} {
			b.signal("ended", "null", data)
		}
		b.want(state, "connected")
	})
	t.Run("what was said before is ignored", func(t *testing.T) {
		b := visit(t)
		b.signal("warning", "null", `{"id":"w","secondsLeft":60,"endsAt":"2026-12-01T12:01:00.000Z"}`)
		b.signal("warning", "null", `{"id":"w","secondsLeft":60,"endsAt":"2026-12-01T12:01:00.000Z"}`)
		b.signal("extended", "null", `{"id":"x","secondsLeft":600,"endsAt":"2026-12-01T12:10:00.000Z"}`)
		b.want(log, "The end was moved: 10 minutes left. / The lesson ends in 60 seconds. / You are in. / Connecting …")
		b.want(clock, "shown")
	})
	t.Run("asked to stop publishing", func(t *testing.T) {
		b := visit(t)
		b.signal("unpublish", "null", `{"id":"1","streamId":"another","kind":"screen"}`)
		b.want(asked, connected)
		b.signal("unpublish", "null", `{"id":"2","streamId":"mine","kind":"screen"}`)
		b.want(asked, connected+"; unpublish")
		b.want(state, "connected")
	})
	t.Run("no camera", func(t *testing.T) {
		b := open()
		b.t = t
		b.open(stage.URL + "/room/maths?broken=publish,initPublisher")
		b.want(state, "connected")
		b.want(log, "You are in, but nobody sees or hears you: broken / You are in. / Connecting …")
	})
	t.Run("not connected", func(t *testing.T) {
		b := open()
		b.t = t
		b.open(stage.URL + "/room/maths?broken=connect")
		b.want(state, "failed")
	})
}

func TestTicketPage(t *testing.T) {
	open := browse(t)
	good := `200 0 {"apiKey":"46000","sessionId":"2_MX4x","token":"t","expiresAt":"x"}`
	enter := func(t *testing.T, fragment string, answers ...string) (*stage, tab) {
		stage := newStage(t)
		stage.stub.err = doorkeeper.ErrTicketOnly
		stage.answers = answers
		b := open()
		b.t = t
		return stage, b.open(stage.URL + "/room/maths" + fragment)
	}
	t.Run("a good ticket", func(t *testing.T) {
		stage, b := enter(t, "#ticket=abc", good)
		b.want(state, "connected")
		b.want(`location.href`, stage.URL+"/room/maths")
		stage.mu.Lock()
		defer stage.mu.Unlock()
		if got := strings.Join(stage.tickets, " "); got != "Bearer abc" {
			t.Errorf("join was called with %q", got)
		}
	})
	t.Run("no ticket, then one", func(t *testing.T) {
		stage, b := enter(t, "", good)
		b.want(state, "no-ticket")
		b.open(stage.URL+"/room/maths#ticket=abc").want(state, "connected")
	})
	t.Run("full, then not", func(t *testing.T) {
		_, b := enter(t, "#ticket=abc", `409 1 {"code":"room-full"}`, good)
		b.want(state, "connected")
		b.want(log, "You are in. / Connecting … / The room is full. This page tries again by itself.")
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
			b.want(state, want)
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
	browse(t)().open(stage.URL+"/room/maths").want(state, "connected")
	if stage.stub.visits != 1 {
		t.Errorf("%d visits", stage.stub.visits)
	}
}

func TestConsolePage(t *testing.T) {
	open := browse(t)
	stage := newStage(t)
	t.Run("a token in the fragment", func(t *testing.T) {
		b := open()
		b.t = t
		b.open(stage.URL+"/#token=good").want(state, "listed")
		b.want(`location.href`, stage.URL+"/")
		b.want(`document.querySelector("#rooms tbody a").textContent`, `<img src=x onerror="document.title='run'">`)
		b.want(`document.title`, "Usher")
		b.eval(`document.getElementById("forget").click(); ""`)
		b.want(state, "idle")
		b.want(`String(document.querySelector("#rooms tbody").children.length)`, "0")
	})
	t.Run("a token that is typed", func(t *testing.T) {
		b := open()
		b.t = t
		b.open(stage.URL + "/")
		b.eval(`document.getElementById("token").value = "bad"; document.querySelector("#enter button").click(); ""`)
		b.want(state, "refused")
		b.want(`document.getElementById("status").textContent`, "the token is not good")
	})
}
