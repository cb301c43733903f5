package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"usher/pkg/attendance"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/problem"
	"usher/pkg/room"
)

// ear is the stub service, verifier and decoder of the webhook's tests.
type ear struct {
	heard lesson.Event
	alive error
	err   error
}

var errMissing = errors.New("no sessionId")

func (e *ear) Hear(ctx context.Context, event lesson.Event) error {
	e.heard, e.alive = event, ctx.Err()
	return e.err
}

func (*ear) Verify(authorization string, body []byte) error {
	if authorization != "Bearer good" {
		return errInside
	}
	return nil
}

func decode(body []byte, received epoch.Instant) (lesson.Event, error) {
	e := lesson.Event{Received: received}
	if err := json.Unmarshal(body, &e); err != nil {
		return e, err
	}
	if e.Session == "" {
		return e, errMissing
	}
	return e, nil
}

func (e *ear) options(log *strings.Builder) WebhookOptions {
	return WebhookOptions{
		Service: e, Verifier: e, Decode: decode, ErrIncomplete: errMissing,
		Now: func() epoch.Instant { return noon }, Log: slog.New(slog.NewTextHandler(log, nil)),
	}
}

// post sends a good event, changed.
func post(t *testing.T, o WebhookOptions, method, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, WebhookPath, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer good")
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	Webhook(o).ServeHTTP(w, r)
	r.Header.Set("Content-Type", "application/json") // others that are taken are not described
	r.URL.Path = WebhookPath
	described(t, r, body, w)
	return w
}

const goodEvent = `{"sessionId":"1_x","event":"connectionCreated"}`

func TestWebhookHears(t *testing.T) {
	for name, contentType := range map[string]string{
		"plain": "application/json", "charset": "application/json; charset=utf-8", "capitals": "Application/JSON", "suffix": "application/cloudevents+json",
		"broken parameter": "application/json; charset", "twice": "application/json, application/json",
		"twice with parameters":  "application/json; charset=utf-8,application/json;charset=utf-8",
		"a comma in a parameter": `application/json; profile="a,b"`,
	} {
		t.Run(name, func(t *testing.T) {
			e := &ear{}
			w := post(t, e.options(&strings.Builder{}), "POST", goodEvent, header("Content-Type", contentType))
			answered(t, w, 200)
			if strings.TrimSpace(w.Body.String()) != "{}" || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("answered %s %v", w.Body, w.Header())
			}
			if e.heard.Session != "1_x" || e.heard.Received != noon {
				t.Errorf("heard %+v", e.heard)
			}
		})
	}
	t.Run("a media type in two lines", func(t *testing.T) {
		w := post(t, (&ear{}).options(&strings.Builder{}), "POST", goodEvent, func(r *http.Request) {
			r.Header.Add("Content-Type", "application/json")
		})
		answered(t, w, 200)
	})
	t.Run("with a slash at the end", func(t *testing.T) {
		for _, path := range []string{WebhookPath + "/", "/base" + WebhookPath, "/base" + WebhookPath + "/"} {
			w := post(t, (&ear{}).options(&strings.Builder{}), "POST", goodEvent, at(path))
			answered(t, w, 200)
		}
	})
	t.Run("unsigned, where that is allowed", func(t *testing.T) {
		e := &ear{}
		o := e.options(&strings.Builder{})
		o.Verifier = nil
		answered(t, post(t, o, "POST", goodEvent, header("Authorization", "")), 200)
	})
	t.Run("of the longest body", func(t *testing.T) {
		e := &ear{}
		body := goodEvent + strings.Repeat(" ", longestBody-len(goodEvent))
		answered(t, post(t, e.options(&strings.Builder{}), "POST", body), 200)
	})
	t.Run("to the end, also when the caller hangs up", func(t *testing.T) {
		e := &ear{}
		answered(t, post(t, e.options(&strings.Builder{}), "POST", goodEvent, func(r *http.Request) {
			ctx, cancel := context.WithCancel(r.Context())
			cancel()
			*r = *r.WithContext(ctx)
		}), 200)
		if e.alive != nil {
			t.Errorf("the context was %v", e.alive)
		}
	})
}

func at(path string) func(*http.Request) { return func(r *http.Request) { r.URL.Path = path } }

func TestWebhookIsNowhereElse(t *testing.T) {
	for _, path := range []string{"/", WebhookPath + "/x", WebhookPath + "//", WebhookPath + "x"} {
		e := &ear{}
		r, w := httptest.NewRequest("POST", path, strings.NewReader(goodEvent)), httptest.NewRecorder()
		r.Header.Set("Authorization", "Bearer good")
		r.Header.Set("Content-Type", "application/json")
		Webhook(e.options(&strings.Builder{})).ServeHTTP(w, r)
		refused(t, w, 404, codeNotFound)
		if e.heard.Session != "" {
			t.Errorf("%s heard %+v", path, e.heard)
		}
	}
}

// Each request is wrong in everything that is checked after what it is refused
// for, so the order is tested too.
func TestWebhookRefusesInOrder(t *testing.T) {
	long := "{" + strings.Repeat(" ", longestBody)
	unsigned, text := header("Authorization", ""), header("Content-Type", "text/plain")
	unannounced := func(r *http.Request) { r.ContentLength = -1 }
	tests := map[string]struct {
		method, body string
		change       []func(*http.Request)
		status       int
		code         problem.Code
	}{
		"method":                 {"GET", long, []func(*http.Request){unsigned, text}, 405, codeMethod},
		"size":                   {"POST", long, []func(*http.Request){unsigned, text}, 413, codeTooLarge},
		"size, not announced":    {"POST", long, []func(*http.Request){unsigned, text, unannounced}, 413, codeTooLarge},
		"no signature":           {"POST", "{", []func(*http.Request){unsigned, text}, 401, codeUnauthorized},
		"wrong signature":        {"POST", "{", []func(*http.Request){header("Authorization", "Bearer bad"), text}, 401, codeUnauthorized},
		"media type":             {"POST", "{", []func(*http.Request){text}, 415, codeMedia},
		"no media type":          {"POST", "{", []func(*http.Request){header("Content-Type", "")}, 415, codeMedia},
		"another JSON":           {"POST", "{", []func(*http.Request){header("Content-Type", "application/jsonp")}, 415, codeMedia},
		"one of two media types": {"POST", "{", []func(*http.Request){header("Content-Type", "application/json, text/plain")}, 415, codeMedia},
		"malformed":              {"POST", "{", nil, 400, problem.BadJSON},
		"no body":                {"POST", "", nil, 400, problem.BadJSON},
		"no session":             {"POST", `{"event":"x"}`, nil, 400, problem.InvalidField},
		"nothing can be stored":  {"POST", goodEvent, nil, 503, codeUnavailable},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e, log := &ear{err: errInside}, &strings.Builder{}
			w := post(t, e.options(log), tt.method, tt.body, tt.change...)
			refused(t, w, tt.status, tt.code)
			if (w.Header().Get("Retry-After") != "") != (tt.status == 503) || (w.Header().Get("Allow") == "POST") != (tt.status == 405) {
				t.Errorf("headers %v", w.Header())
			}
			if (e.heard.Session != "") != (tt.status == 503) {
				t.Errorf("heard %+v", e.heard)
			}
			if inside := tt.status == 503 || tt.status == 401; inside != strings.Contains(log.String(), errInside.Error()) {
				t.Errorf("the log says %s", log)
			}
			if strings.Contains(w.Body.String(), "fire") {
				t.Errorf("answered %s", w.Body)
			}
		})
	}
}

// keeper notes the callbacks that go on.
type keeper struct {
	kept []room.Callback
	err  error
}

func (k *keeper) keep(_ context.Context, c room.Callback) error {
	k.kept = append(k.kept, c)
	return k.err
}

func TestWebhookKeepsWhatGoesOn(t *testing.T) {
	const odd = "{\"sessionId\" : \"1_x\",\t\"event\":\"else\"}\n"
	for name, c := range map[string]struct {
		body   string
		change func(*http.Request)
		heard  error
		kept   int
		status int
	}{
		"an event":                  {odd, nil, nil, 1, 200},
		"what is no event":          {"{}", nil, nil, 1, 400},
		"what is not JSON":          {odd, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, nil, 1, 415},
		"what could not be stored":  {odd, nil, errInside, 1, 503},
		"what is not authenticated": {odd, func(r *http.Request) { r.Header.Set("Authorization", "Bearer bad") }, nil, 0, 401},
		"what was sent on before":   {odd, func(r *http.Request) { r.Header.Set("Usher-Forwarded", "1") }, nil, 0, 200},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			k, e := &keeper{}, &ear{err: c.heard}
			o := e.options(&log)
			o.Keep = k.keep
			change := c.change
			if change == nil {
				change = func(r *http.Request) { r.Header["X-Own"] = []string{"1", "2"} }
			}
			if w := post(t, o, "POST", c.body, change); w.Code != c.status || len(k.kept) != c.kept {
				t.Fatalf("answered %d and kept %d, want %d and %d", w.Code, len(k.kept), c.status, c.kept)
			}
			if c.kept == 0 {
				return
			}
			got := k.kept[0]
			if string(got.Body) != c.body || got.Received != noon || got.Header["Authorization"][0] != "Bearer good" {
				t.Errorf("kept %+v", got)
			}
			if c.change == nil && len(got.Header["X-Own"]) != 2 {
				t.Errorf("the headers are %v", got.Header)
			}
		})
	}
}

// A callback that cannot be kept is heard all the same, whatever becomes of it.
func TestWebhookThatCannotKeep(t *testing.T) {
	for name, keep := range map[string]func(context.Context, room.Callback) error{
		"fails":  func(context.Context, room.Callback) error { return errors.New("no queue") },
		"panics": func(context.Context, room.Callback) error { panic("on purpose") },
		"hangs":  func(ctx context.Context, _ room.Callback) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				e := &ear{}
				o := e.options(&log)
				o.Keep = keep
				start := time.Now()
				if w := post(t, o, "POST", goodEvent); w.Code != 200 || e.heard.Session != "1_x" {
					t.Errorf("answered %d, heard %+v", w.Code, e.heard)
				}
				if took := time.Since(start); took > keepPatience {
					t.Errorf("the answer took %v", took)
				}
				if !strings.Contains(log.String(), "alarm=not-forwarded") {
					t.Errorf("the log says %s", &log)
				}
			})
		})
	}
}

func TestNotice(t *testing.T) {
	line := journal.Line{
		Seq: 12, At: noon, EventAt: noon - 100, Event: journal.FromDeadline, Action: journal.DidEnd, Reason: journal.LessonOver, User: "a\nb",
	}
	got, err := Notice(room.Notice{Room: "algebra", Session: "2_x", Line: line, Attendance: &attendance.Record{Room: "algebra", Session: "2_x", Together: time.Minute}})
	const want = `{"type":"lesson.ended","timestamp":"2026-12-01T12:00:00.000Z","data":{"room":"algebra","sessionId":"2_x",` +
		`"seq":12,"at":"2026-12-01T12:00:00.000Z","eventAt":"2026-12-01T11:59:59.900Z","event":"deadline","connectionId":null,"streamId":null,` +
		`"user":"a\\nb","role":null,"action":"end","reason":"lesson-over","because":null,"actor":null,"note":null,"attendance":{"room":"algebra","sessionId":"2_x","startedAt":null,"endedAt":null,"outcome":null,"togetherSeconds":60,"users":[]}}}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}
