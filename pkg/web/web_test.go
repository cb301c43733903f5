package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"usher/pkg/api"
	"usher/pkg/doorkeeper"
	"usher/pkg/problem"
	"usher/pkg/room"
)

// stub is a service that remembers what it was asked.
type stub struct {
	visits, looks int
	visitor       string
	admission     doorkeeper.Admission
	err           error
}

func (s *stub) Visit(_ context.Context, _, visitor string) (doorkeeper.Admission, string, error) {
	s.visits, s.visitor = s.visits+1, visitor
	return s.admission, "guest-7", s.err
}

func (s *stub) Glance(_ context.Context, _, visitor string) error {
	s.looks, s.visitor = s.looks+1, visitor
	return s.err
}

const vonage = "https://static.opentok.com/v2/js/opentok.min.js"

func newSite(s *stub, secure bool) http.Handler { return newSiteOf(s, vonage, secure) }

func newSiteOf(s *stub, script string, secure bool) http.Handler {
	s.admission.Credentials = room.Credentials{APIKey: "46000", Session: "2_MX4x", Token: "tok</script>&'\"en", Expires: 1_796_126_460_000}
	return New(Options{Service: s, ScriptURL: script, Secure: secure, Log: slog.New(slog.DiscardHandler)})
}

func get(h http.Handler, method, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var carried = regexp.MustCompile(`<script type="application/json" id="credentials">(.*?)</script>`)

// credentialsOn reads the credentials that a page carries, as its script does.
func credentialsOn(t *testing.T, w *httptest.ResponseRecorder) (c api.Admission, ok bool) {
	t.Helper()
	m := carried.FindStringSubmatch(w.Body.String())
	if m == nil {
		return c, false
	}
	if err := json.Unmarshal([]byte(m[1]), &c); err != nil {
		t.Fatalf("the page carries %s: %v", m[1], err)
	}
	return c, true
}

func TestDemoRoom(t *testing.T) {
	s := &stub{}
	w := get(newSite(s, true), "GET", "/room/one-to-one", "Cookie", "usher-visitor=guest-6")
	if c, ok := credentialsOn(t, w); w.Code != 200 || !ok || !reflect.DeepEqual(c, api.ShowAdmission(s.admission)) {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	if s.visits != 1 || s.visitor != "guest-6" {
		t.Errorf("%d visits, the last of %q", s.visits, s.visitor)
	}
	want := "usher-visitor=guest-7; Path=/room/one-to-one; Max-Age=600; HttpOnly; Secure; SameSite=Lax"
	if got := w.Header().Get("Set-Cookie"); got != want {
		t.Errorf("Set-Cookie is %q, want %q", got, want)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", w.Header())
	}
	for _, part := range []string{`data-room="one-to-one" data-mode="demo"`, `data-script="` + vonage + `"`, `id="status"`} {
		if !strings.Contains(w.Body.String(), part) {
			t.Errorf("the page has no %s", part)
		}
	}
}

func TestCookies(t *testing.T) {
	t.Run("over http", func(t *testing.T) {
		w := get(newSite(&stub{}, false), "GET", "/room/a")
		if got := w.Header().Get("Set-Cookie"); got == "" || strings.Contains(got, "Secure") {
			t.Errorf("Set-Cookie is %q", got)
		}
	})
	t.Run("too long", func(t *testing.T) {
		s := &stub{}
		get(newSite(s, false), "GET", "/room/a", "Cookie", "usher-visitor="+strings.Repeat("x", 129))
		if s.visits != 1 || s.visitor != "" {
			t.Errorf("visited as %q", s.visitor)
		}
	})
}

func TestTicketRoom(t *testing.T) {
	s := &stub{err: doorkeeper.ErrTicketOnly}
	w := get(newSite(s, true), "GET", "/room/maths")
	if _, ok := credentialsOn(t, w); w.Code != 200 || ok || w.Header().Get("Set-Cookie") != "" {
		t.Fatalf("answered %d %v %s", w.Code, w.Header(), w.Body)
	}
	if !strings.Contains(w.Body.String(), `data-mode="ticket"`) {
		t.Errorf("answered %s", w.Body)
	}
}

func TestUnseenPagesPromiseNothing(t *testing.T) {
	for name, request := range map[string][]string{
		"HEAD":      {"HEAD"},
		"prefetch":  {"GET", "Sec-Purpose", "prefetch"},
		"prerender": {"GET", "Sec-Purpose", "prefetch;prerender"},
		"older":     {"GET", "Purpose", "Prefetch"},
		"preview":   {"GET", "X-Purpose", "preview"},
		"oldest":    {"GET", "X-Moz", "prefetch"},
		"script":    {"GET", "Sec-Fetch-Dest", "empty"},
		"picture":   {"GET", "Sec-Fetch-Dest", "image"},
		"embedded":  {"GET", "Sec-Fetch-Dest", "embed"},
		"prepared":  {"GET", "Sec-Fetch-Dest", "document", "Sec-Purpose", "prefetch"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stub{}
			w := get(newSite(s, true), request[0], "/room/one-to-one", request[1:]...)
			if _, ok := credentialsOn(t, w); w.Code != 200 || ok || s.visits != 0 || s.looks != 1 || w.Header().Get("Set-Cookie") != "" {
				t.Errorf("answered %d %v after %d visits", w.Code, w.Header(), s.visits)
			}
			if request[0] == "GET" && !strings.Contains(w.Body.String(), `data-mode="later"`) {
				t.Errorf("answered %s", w.Body)
			}
		})
		for status, err := range map[int]error{
			404: &problem.Details{Code: problem.NoSuchRoom}, 409: &problem.Details{Code: problem.RoomFull},
			410: &problem.Details{Code: problem.LessonOver}, 200: doorkeeper.ErrTicketOnly,
		} {
			t.Run(fmt.Sprint(name, ", ", err), func(t *testing.T) {
				s := &stub{err: err}
				headers := append([]string{"Cookie", "usher-visitor=guest-7"}, request[1:]...)
				if w := get(newSite(s, true), request[0], "/room/one-to-one", headers...); w.Code != status || s.visits != 0 || s.visitor != "guest-7" {
					t.Errorf("answered %d after %d visits by %q", w.Code, s.visits, s.visitor)
				}
			})
		}
	}
}

func TestSeenPagesPromise(t *testing.T) {
	for _, dest := range []string{"document", "iframe"} {
		s := &stub{}
		if w := get(newSite(s, true), "GET", "/room/one-to-one", "Sec-Fetch-Dest", dest); w.Code != 200 || s.visits != 1 {
			t.Errorf("%s: answered %d after %d visits", dest, w.Code, s.visits)
		}
	}
}

func TestNotices(t *testing.T) {
	tests := map[string]struct {
		err    error
		status int
		state  string
		retry  string
	}{
		"full":           {&problem.Details{Code: problem.RoomFull}, 409, "room-full", "5"},
		"full for 2.5 s": {&problem.Details{Code: problem.RoomFull, RetryAfter: 2500 * time.Millisecond}, 409, "room-full", "3"},
		"full for long":  {&problem.Details{Code: problem.RoomFull, RetryAfter: time.Hour}, 409, "room-full", "60"},
		"over":           {fmt.Errorf("visit: %w", &problem.Details{Code: problem.LessonOver}), 410, "lesson-over", ""},
		"unknown":        {&problem.Details{Code: problem.NoSuchRoom}, 404, "no-such-room", ""},
		"in already":     {&problem.Details{Code: problem.DuplicateUser}, 409, "in-already", ""},
		"too early":      {&problem.Details{Code: problem.TooEarly, RetryAfter: 9 * time.Second}, 403, "too-early", "9"},
		"removed":        {&problem.Details{Code: problem.Removed, RetryAfter: time.Hour}, 403, "removed", ""},
		"not on it":      {&problem.Details{Code: problem.NotAllowed}, 403, "not-allowed", ""},
		"too many":       {&problem.Details{Code: problem.TooManyRequests}, 429, "busy", "5"},
		"platform away":  {&problem.Details{Code: problem.PlatformUnavailable, Cause: errors.New("secret")}, 503, "unavailable", "5"},
		"store away":     {fmt.Errorf("secret: %w", room.ErrUnavailable), 503, "unavailable", "5"},
		"another":        {&problem.Details{Code: "new", Detail: "You are <b>too</b> late."}, 403, "refused", ""},
		"fault":          {errors.New("secret"), 500, "failed", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := get(newSite(&stub{err: tt.err}, true), "GET", "/room/maths")
			body := w.Body.String()
			if w.Code != tt.status || !strings.Contains(body, `id="status" role="status" data-state="`+tt.state+`"`) {
				t.Errorf("answered %d %s", w.Code, body)
			}
			if _, ok := credentialsOn(t, w); ok || w.Header().Get("Set-Cookie") != "" {
				t.Errorf("answered %v %s", w.Header(), body)
			}
			refresh := `<noscript><meta http-equiv="refresh" content="` + tt.retry + `"></noscript>`
			if w.Header().Get("Retry-After") != tt.retry || strings.Contains(body, "refresh") != (tt.retry != "") || tt.retry != "" && !strings.Contains(body, refresh) {
				t.Errorf("Retry-After %q, page %s", w.Header().Get("Retry-After"), body)
			}
			if strings.Contains(body, "secret") || strings.Contains(body, "<b>") || strings.Contains(body, "{") {
				t.Errorf("answered %s", body)
			}
			if strings.Contains(body, "<h1></h1>") || strings.Contains(body, tt.state+`"></p>`) {
				t.Errorf("it says nothing: %s", body)
			}
		})
	}
}

// Who has no script reads when the room opens in the time of the world.
func TestTheTimeOfANotice(t *testing.T) {
	w := get(newSite(&stub{err: &problem.Details{Code: problem.TooEarly, RetryAfter: time.Hour}}, true), "GET", "/room/maths")
	at := regexp.MustCompile(`It opens at <time datetime="(\S+)">\d{4}-\d\d-\d\d \d\d:\d\d UTC</time>\.`).FindStringSubmatch(w.Body.String())
	if at == nil {
		t.Fatalf("answered %s", w.Body)
	}
	opens, err := time.Parse(time.RFC3339, at[1])
	if in := time.Until(opens); err != nil || in > time.Hour || in < 55*time.Minute {
		t.Errorf("it opens at %s, %v", at[1], err)
	}
}

func TestInvalidNamesAreNoRooms(t *testing.T) {
	for _, name := range []string{"-x", "%3Cb%3E", "a%2Fb", strings.Repeat("x", 65)} {
		t.Run(name, func(t *testing.T) {
			s := &stub{}
			if w := get(newSite(s, true), "GET", "/room/"+name); w.Code != 404 || s.visits+s.looks != 0 {
				t.Errorf("answered %d after %d visits", w.Code, s.visits)
			}
		})
	}
}

func TestPathsAndMethods(t *testing.T) {
	h := newSite(&stub{}, true)
	for target, want := range map[string]int{
		"GET /": 200, "HEAD /": 200, "GET /nothing": 404, "GET /room/": 404, "GET /room/a/b": 404, "GET /assets/": 404, "GET /assets/none.js": 404,
		"GET /assets/..%2fweb.go": 404, "GET /assets/room.js": 200, "GET /assets/console.js": 200, "GET /assets/style.css": 200, "HEAD /assets/room.js": 200,
		"GET /assets/texts-room.js": 200, "GET /assets/texts-none.js": 404, "GET /assets/texts-..%2froom.js": 404,
		"POST /": 405, "POST /room/a": 405, "DELETE /assets/room.js": 405,
	} {
		t.Run(target, func(t *testing.T) {
			method, path, _ := strings.Cut(target, " ")
			w := get(h, method, path)
			if w.Code != want || (w.Header().Get("Allow") != "") != (want == 405) || w.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("answered %d %v", w.Code, w.Header())
			}
			if method == "HEAD" && w.Body.Len() > 0 {
				t.Errorf("HEAD has a body: %s", w.Body)
			}
		})
	}
}

func TestAssets(t *testing.T) {
	h := newSite(&stub{}, true)
	w := get(h, "GET", "/assets/room.js")
	tag := w.Header().Get("ETag")
	if w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" || tag == "" {
		t.Fatalf("headers %v", w.Header())
	}
	if w := get(h, "GET", "/assets/room.js", "If-None-Match", tag); w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("answered %d", w.Code)
	}
}

func TestContentSecurity(t *testing.T) {
	h := newSite(&stub{}, true)
	console := get(h, "GET", "/").Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self';", "connect-src 'self';", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'"} {
		if !strings.Contains(console, part) {
			t.Errorf("the console's policy %q has no %s", console, part)
		}
	}
	if strings.Contains(console, "unsafe") {
		t.Errorf("the console's policy is %q", console)
	}
	for script, part := range map[string]string{
		vonage:                               "script-src 'self' https://static.opentok.com;",
		"/simulator/opentok.js":              "script-src 'self';",
		"http://127.0.0.1:4000/x/opentok.js": "script-src 'self' http://127.0.0.1:4000;",
		"http://127.0.0.1:4000/opentok.js":   "connect-src 'self' https: wss: http://127.0.0.1:4000 ws://127.0.0.1:4000;",
	} {
		if got := roomPolicy(script); !strings.Contains(got, part) {
			t.Errorf("the policy for %s is %q, want %s in it", script, got, part)
		}
	}
}

// Whatever a value is, it stays text, and nothing of a template is left over.
func TestValuesAreText(t *testing.T) {
	with := func(v string) page {
		return page{
			Title: v, Room: v, ScriptURL: v, Mode: v, State: v, Text: v, Retry: 5, Again: true,
			Credentials: &api.Admission{Credentials: api.Credentials{SessionID: v, Token: v}},
		}
	}
	for _, name := range []string{"console", "room", "notice"} {
		t.Run(name, func(t *testing.T) {
			plain, err := with("x").fill(name)
			if err != nil || strings.Contains(plain, "{{") {
				t.Fatalf("the page is %s, %v", plain, err)
			}
			for _, mean := range []string{`<b>`, `</script>`, `<!--`, `'>`, `{{text}}{{credentials}}`, `{{head}}`} {
				body, err := with(mean).fill(name)
				if err != nil || strings.Count(body, "<") != strings.Count(plain, "<") || strings.Count(body, ">") != strings.Count(plain, ">") {
					t.Errorf("with %s the page is %s, %v", mean, body, err)
				}
			}
			quoted := with(`"`)
			quoted.Credentials = nil
			body, err := quoted.fill(name)
			quoted = with("x")
			quoted.Credentials = nil
			if plain, _ := quoted.fill(name); err != nil || strings.Count(body, `"`) != strings.Count(plain, `"`) {
				t.Errorf("with a quotation mark the page is %s, %v", body, err)
			}
		})
	}
	if _, err := with("x").fill("none"); err == nil {
		t.Error("a page that is not there was filled")
	}
}

// Without inline script, style or handler in any page, a strict policy breaks
// nothing and a name can never become code.
func TestPagesHaveNothingInline(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<script(?:\s+type="text/javascript")?>|<style|\son[a-z]+=|\sstyle=|javascript:`)
	for name, w := range map[string]*httptest.ResponseRecorder{
		"console": get(newSite(&stub{}, true), "GET", "/"),
		"room":    get(newSite(&stub{}, true), "GET", "/room/a"),
		"notice":  get(newSite(&stub{err: errors.New("x")}, true), "GET", "/room/a"),
	} {
		t.Run(name, func(t *testing.T) {
			if found := inline.FindString(html.UnescapeString(w.Body.String())); found != "" {
				t.Errorf("the page has %q", found)
			}
		})
	}
	for _, name := range scripts(t, "*") {
		t.Run(name, func(t *testing.T) {
			source, err := files.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, word := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage", "sessionStorage", "document.cookie"} {
				if strings.Contains(string(source), word) {
					t.Errorf("it uses %s", word)
				}
			}
		})
	}
}

// scripts are the names of those of the pages that match.
func scripts(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := fs.Glob(files, "assets/"+pattern+".js")
	if err != nil || len(names) == 0 {
		t.Fatalf("scripts %v, %v", names, err)
	}
	return names
}

// The pages, with all that they load but for the platform's script, are small: texts,
// styles and modules, as they are, in bytes.
func TestPagesWeighLittle(t *testing.T) {
	const most = 60_000
	loaded := regexp.MustCompile(`(?:href|src)="/assets/([\w.-]+)"|from "\./([\w.-]+)"`)
	for name, page := range map[string]struct {
		path string
		err  error
	}{"room": {"/room/maths", nil}, "notice": {"/room/maths", errors.New("x")}, "console": {"/", nil}} {
		h := newSite(&stub{err: page.err}, true)
		weights := map[string]int{}
		var add func(path string)
		add = func(path string) {
			if _, ok := weights[path]; ok {
				return
			}
			body := get(h, "GET", path).Body.String()
			weights[path] = len(body)
			for _, m := range loaded.FindAllStringSubmatch(body, -1) {
				add("/assets/" + m[1] + m[2])
			}
		}
		add(page.path)
		sum := 0
		for path, n := range weights {
			sum += n
			if n == 0 {
				t.Errorf("%s: %s is empty", name, path)
			}
		}
		t.Logf("%s: %d bytes in %d files: %v", name, sum, len(weights), weights)
		if sum > most || len(weights) < 3 {
			t.Errorf("%s weighs %d bytes, more than %d", name, sum, most)
		}
	}
}

// Every text that the room's page asks for is there, every state has a title and
// says something, and nothing stands in the file that nobody reads.
func TestTheRoomsTexts(t *testing.T) {
	texts, err := textsOf("room")
	if err != nil {
		t.Fatal(err)
	}
	template, err := files.ReadFile("templates/room.html")
	if err != nil {
		t.Fatal(err)
	}
	source := string(template)
	for _, name := range scripts(t, "room*") {
		script, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source += string(script)
	}
	for _, m := range regexp.MustCompile(`texts\.(\w+)|texts\["([\w.-]+)"\]|\{\{text\.([\w.-]+)\}\}`).FindAllStringSubmatch(source, -1) {
		if key := m[1] + m[2] + m[3]; texts[key] == "" {
			t.Errorf("there is no text %s", key)
		}
	}
	for key := range texts {
		family, name, _ := strings.Cut(key, ".")
		_, said := texts["state."+name]
		if family == "title" && !said {
			t.Errorf("%s has no state", key)
		}
		if word := cmp.Or(name, family); !regexp.MustCompile(`\b`+regexp.QuoteMeta(word)+`\b`).MatchString(source) && family != "ended" {
			t.Errorf("nobody reads %s", key)
		}
	}
}

// Every text that the console asks for by its key is there.
func TestTheConsolesTexts(t *testing.T) {
	texts, err := textsOf("console")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, name := range append(scripts(t, "console*"), "templates/console.html") {
		source, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\b(?:say|word|button)\("([\w.-]+)"|\{\{text\.([\w.-]+)\}\}`).FindAllStringSubmatch(string(source), -1) {
			asked++
			if key := m[1] + m[2]; texts[key] == "" {
				t.Errorf("%s: there is no text %s", name, key)
			}
		}
	}
	if asked < 100 {
		t.Errorf("%d texts are asked for", asked)
	}
}

// The page must do with the platform's script what any script can do, so it
// may use these and no others.
func TestTheRoomUsesOnlyKnownCalls(t *testing.T) {
	known := map[string]bool{
		"OT.initSession": true, "OT.initPublisher": true, "session.connect": true, "session.disconnect": true,
		"session.publish": true, "session.unpublish": true, "session.subscribe": true, "session.on": true,
		"session.connection": true, "session.capabilities": true, "publisher.on": true, "publisher.stream": true,
		"publisher.destroy": true, "publisher.publishAudio": true, "publisher.publishVideo": true,
	}
	for _, name := range scripts(t, "room*") {
		source, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range regexp.MustCompile(`\b(?:OT|session|publisher)\.\w+`).FindAllString(string(source), -1) {
			if !known[call] {
				t.Errorf("%s uses %s", name, call)
			}
		}
	}
}

var _ Service = (*doorkeeper.Service)(nil)
