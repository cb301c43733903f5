package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/problem"
	"usher/pkg/room"
)

// What somebody sends does not fill the log, nor break its lines.
func TestLogOfALongPath(t *testing.T) {
	d := newDesk(t)
	d.ask("GET", "/v1/rooms/"+strings.Repeat("%C3%A9%0A", 10_000), "")
	if line := d.log.String(); len(line) > 1000 || strings.Count(line, "\n") != 1 || strings.Contains(line, "\ufffd") || strings.Contains(line, `\x`) {
		t.Errorf("%d bytes: %.1200s", len(line), line)
	}
}

func TestRefusalsOfTheService(t *testing.T) {
	tests := map[string]struct {
		err    error
		status int
		code   problem.Code
		after  string
	}{
		"full":                  {&problem.Details{Code: problem.RoomFull, Detail: "the room is full"}, 409, problem.RoomFull, ""},
		"full, try again":       {&problem.Details{Code: problem.RoomFull, Detail: "the room is full", RetryAfter: 4100 * time.Millisecond}, 409, problem.RoomFull, "5"},
		"at once":               {&problem.Details{Code: problem.RoomFull, Detail: "the room is full", RetryAfter: time.Millisecond}, 409, problem.RoomFull, "1"},
		"over":                  {&problem.Details{Code: problem.LessonOver, Detail: "the lesson is over"}, 410, problem.LessonOver, ""},
		"wrapped":               {fmt.Errorf("join: %w", &problem.Details{Code: problem.NoSuchRoom, Detail: "no such room"}), 404, problem.NoSuchRoom, ""},
		"platform away":         {&problem.Details{Code: problem.PlatformUnavailable, Detail: "the platform is away", Cause: errInside}, 503, problem.PlatformUnavailable, "2"},
		"store away":            {fmt.Errorf("%w: %w", room.ErrUnavailable, errInside), 503, codeUnavailable, "2"},
		"fault":                 {errInside, 500, codeInternal, ""},
		"a code without status": {&problem.Details{Code: "new", Detail: "x", Cause: errInside}, 500, codeInternal, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.stub.err = tt.err
			w := d.ask("POST", "/v1/rooms/maths/join", "")
			refused(t, w, tt.status, tt.code)
			if got := w.Header().Get("Retry-After"); got != tt.after {
				t.Errorf("Retry-After is %q, want %q", got, tt.after)
			}
			if strings.Contains(w.Body.String(), "fire") {
				t.Errorf("text from inside was answered: %s", w.Body)
			}
			if inside := errors.Is(tt.err, errInside); inside != strings.Contains(d.log.String(), errInside.Error()) {
				t.Errorf("the log says %s", d.log)
			}
		})
	}
}

func TestEveryCodeIsAnswered(t *testing.T) {
	for code, status := range statusOf {
		if status == 405 || status == 406 || status == 415 {
			continue // of methods and media types, not of the service
		}
		t.Run(string(code), func(t *testing.T) {
			d := newDesk(t)
			d.stub.err = &problem.Details{Code: code, Detail: "no"}
			target, method := "/v1/rooms/maths", "PUT"
			switch status {
			case 410:
				target, method = "/v1/rooms/maths/join", "POST"
			case 404:
				method = "DELETE"
			}
			body := ""
			if method == "PUT" {
				body = "{}"
			}
			refused(t, d.ask(method, target, body), status, shown(code))
		})
	}
}

type panicking struct{ *stub }

func (panicking) Room(context.Context, string) (doorkeeper.Snapshot, error) { panic("oh no, secret-7") }

func TestPanicIsA500(t *testing.T) {
	d := newDesk(t)
	d.handler = newDesk(t, func(o *Options) { o.Service = panicking{d.stub} }).handler
	w := d.ask("GET", "/v1/rooms/maths", "")
	refused(t, w, 500, codeInternal)
	if strings.Contains(w.Body.String(), "oh no") {
		t.Errorf("answered %s", w.Body)
	}
}

func TestTheLogHoldsNoSecrets(t *testing.T) {
	d := newDesk(t)
	token := AdminToken(apiSecret, noon.Std(), time.Hour)
	d.ask("PUT", "/v1/rooms/maths?token=in-the-query", `{"sessionId":"in-the-body"}`, bearer(token))
	line := d.log.String()
	if strings.Count(line, "\n") != 1 || !strings.Contains(line, "method=PUT path=/v1/rooms/maths status=200 ms=0") {
		t.Errorf("the log says %s", line)
	}
	for _, secret := range []string{token, "in-the-query", "in-the-body"} {
		if strings.Contains(line, secret) {
			t.Errorf("the log holds %q: %s", secret, line)
		}
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) })
	for _, target := range []string{"/healthz", "/v1/rooms", "/v1/nothing", "/"} {
		t.Run(target, func(t *testing.T) {
			d := newDesk(t, func(o *Options) { o.Pages = page })
			w := d.ask("HEAD", target, "")
			h := w.Header()
			if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("headers %v", h)
			}
			if target != "/" && h.Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control is %q", h.Get("Cache-Control"))
			}
		})
	}
}

func TestHealth(t *testing.T) {
	w := newDesk(t).ask("GET", "/healthz", "", header("Authorization", ""))
	answered(t, w, 200)
	if got := strings.TrimSpace(w.Body.String()); got != `{"status":"ok","version":"v1"}` {
		t.Errorf("answered %s", got)
	}
}

// Who hangs up in the middle does not stop what was asked; who only reads does.
func TestWorkGoesOnWithoutItsCaller(t *testing.T) {
	gone := func(r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		*r = *r.WithContext(ctx)
	}
	for target, survives := range map[string]bool{
		"PUT /v1/rooms/maths": true, "DELETE /v1/rooms/maths": true, "POST /v1/rooms/maths/join": true, "POST /v1/rooms/maths/end": true,
		"POST /v1/rooms/maths/reopen": true, "DELETE /v1/rooms/maths/connections/c1": true, "GET /v1/rooms/maths": false, "GET /v1/rooms": false,
	} {
		t.Run(target, func(t *testing.T) {
			d := newDesk(t)
			method, path, _ := strings.Cut(target, " ")
			body := ""
			if method == "PUT" {
				body = "{}"
			}
			d.ask(method, path, body, gone)
			if d.stub.said == "" || (d.stub.alive == nil) != survives || d.stub.bounded != survives {
				t.Errorf("asked %q with the context %v, bounded %v", d.stub.said, d.stub.alive, d.stub.bounded)
			}
		})
	}
}

func TestCORS(t *testing.T) {
	tests := map[string]struct {
		method, target, origin string
		allowed                bool
	}{
		"join":                {"POST", "/v1/rooms/maths/join", "https://school.example", true},
		"preflight":           {"OPTIONS", "/v1/rooms/maths/join", "https://school.example", true},
		"other origin":        {"POST", "/v1/rooms/maths/join", "https://school.example.evil", false},
		"other scheme":        {"OPTIONS", "/v1/rooms/maths/join", "http://school.example", false},
		"no origin":           {"OPTIONS", "/v1/rooms/maths/join", "", false},
		"null origin":         {"OPTIONS", "/v1/rooms/maths/join", "null", false},
		"another path":        {"GET", "/v1/rooms/maths", "https://school.example", false},
		"preflight elsewhere": {"OPTIONS", "/v1/rooms/maths", "https://school.example", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			w := d.ask(tt.method, tt.target, "", header("Origin", tt.origin), header("Access-Control-Request-Method", "POST"))
			want := ""
			if tt.allowed {
				want = tt.origin
			}
			h := w.Header()
			if got := h.Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("Access-Control-Allow-Origin is %q, want %q", got, want)
			}
			if strings.HasSuffix(tt.target, "/join") && h.Get("Vary") != "Origin" {
				t.Errorf("Vary is %q", h.Get("Vary"))
			}
			if h.Get("Access-Control-Allow-Credentials") != "" {
				t.Error("cookies are allowed for")
			}
			if tt.method == "OPTIONS" && tt.allowed && (w.Code != 204 || h.Get("Access-Control-Allow-Headers") != "Authorization, Content-Type") {
				t.Errorf("answered %d %v", w.Code, h)
			}
		})
	}
	t.Run("a refusal can be read", func(t *testing.T) {
		d := newDesk(t)
		w := d.ask("POST", "/v1/rooms/maths/join", "", header("Authorization", ""), header("Origin", "https://school.example"))
		refused(t, w, 401, codeUnauthorized)
		if w.Header().Get("Access-Control-Allow-Origin") == "" {
			t.Error("not for this origin")
		}
	})
}
